"""The rule builder page, for new and existing segments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from cdp.rules import describe_behaviours, list_catalogue
from cdp_web.accounts.roles import Role, require_role
from cdp_web.layout.formats import get_currency_symbol
from cdp_web.layout.pages import parse_whole_number
from cdp_web.segments import services
from cdp_web.segments.list_selectors import lists_get
from cdp_web.segments.models import Segment
from cdp_web.segments.rules import RuleInvalid
from cdp_web.segments.selectors import segment_or_404

MAX_RULE_CHARACTERS = 1_000_000
_EMPTY_RULE: dict[str, Any] = {"version": 1, "rule": {"all": []}}


@dataclass(slots=True)
class Draft:
    """The content of the form: as loaded, or as posted with errors."""

    name: str = ""
    description: str = ""
    rule: Any = field(default_factory=lambda: _EMPTY_RULE)
    version: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)


@require_role(Role.ANALYST)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_new(request: HttpRequest) -> HttpResponse:
    draft = _read_form(request) if request.method == "POST" else Draft()
    if request.method == "POST":
        saved = _save_draft(draft, partial(services.segment_create, owner=request.user))
        if saved:
            return redirect("segments:detail", saved.pk)
    return _render_page(request, draft, None)


@require_role(Role.ANALYST)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_edit(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    draft = Draft(segment.name, segment.description, segment.rule, segment.version)
    if request.method == "POST":
        draft = _read_form(request)
        change = partial(services.segment_update, segment_id=segment_id, expected_version=draft.version, author=request.user)
        if _save_draft(draft, change):
            return redirect("segments:detail", segment_id)
    return _render_page(request, draft, segment)


def _read_form(request: HttpRequest) -> Draft:
    form = request.POST
    text, version = form.get("rule", ""), parse_whole_number(form.get("version", ""))
    # Postgres refuses NUL characters, and no keyboard writes one.
    name, description = (form.get(field, "").replace("\0", "") for field in ("name", "description"))
    draft = Draft(name, description, version=version or 0)
    if len(text) > MAX_RULE_CHARACTERS:
        draft.errors["rule"] = [f"The rule is longer than {MAX_RULE_CHARACTERS:,} characters."]
        return draft
    try:
        draft.rule = json.loads(text)
    except (ValueError, RecursionError):
        draft.errors["rule"] = ["The rule did not arrive complete. Build it again."]
    return draft


def _save_draft(draft: Draft, save: Callable[..., Segment]) -> Segment | None:
    """Save the segment, or write the reasons why not into the draft."""
    if draft.errors:
        return None
    try:
        return save(name=draft.name, description=draft.description, rule=draft.rule)
    except RuleInvalid as error:
        draft.problems = error.as_json()
    except ValidationError as error:
        faults = error.message_dict
        # A constraint finds a duplicate name, and constraints belong to no field.
        draft.errors = {("name" if key == NON_FIELD_ERRORS else key): texts for key, texts in faults.items()}
    except services.EditConflict as error:
        draft.errors["rule"] = [str(error)]
    return None


def list_choices() -> list[dict[str, Any]]:
    """The uploaded lists that a condition can name, each with id, name and count."""
    return list(lists_get().values("id", "name", "count"))


def _list_segment_choices(segment: Segment | None) -> list[dict[str, Any]]:
    """The segments that a condition can name: all but the segment itself, by name."""
    others = Segment.objects.filter(archived_at=None).exclude(pk=segment.pk if segment else None)
    return list(others.order_by("name").values("id", "name"))


def _render_page(request: HttpRequest, draft: Draft, segment: Segment | None) -> HttpResponse:
    data = {
        "catalogue": list_catalogue(),
        "behaviours": describe_behaviours(),
        "segments": _list_segment_choices(segment),
        "lists": list_choices(),
        "values": reverse("api:catalogue-values"),
        "upload": reverse("segments:list-new"),
        "document": draft.rule,
        "problems": draft.problems,
        "preview": reverse("api:segment-preview"),
        "segment": segment.pk if segment else None,
        "impact": reverse("api:segment-impact", args=[segment.pk]) if segment else "",
        "currency": get_currency_symbol().strip(),
    }
    status = 400 if draft.problems or draft.errors else 200
    return render(request, "segments/builder.html", {"draft": draft, "segment": segment, "builder": data}, status=status)
