"""The rule builder page, for new and existing segments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cdp_web.accounts.roles import Role, require_role
from cdp_web.layout.facts import describe_builder, localize
from cdp_web.layout.formats import get_currency_symbol, get_separators
from cdp_web.layout.pages import parse_whole_number
from cdp_web.segments import services
from cdp_web.segments.gallery import build_template_rule, find_starter, list_templates
from cdp_web.segments.list_selectors import lists_get
from cdp_web.segments.models import Segment
from cdp_web.segments.rules import RuleInvalid, rule_read
from cdp_web.segments.selectors import segment_or_404
from cdp_web.segments.versions import DifferenceText, rules_compare

MAX_RULE_CHARACTERS = 1_000_000
_EMPTY_RULE: dict[str, Any] = {"version": 1, "rule": {"all": []}}


@dataclass(frozen=True, slots=True)
class ChangedField:
    title: str
    theirs: str
    mine: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """What somebody else has saved meanwhile, compared with what this author wants to save."""

    segment: Segment
    difference: DifferenceText | None
    fields: list[ChangedField]


@dataclass(slots=True)
class Draft:
    """The content of the form: as loaded, or as posted with errors."""

    name: str = ""
    description: str = ""
    tags: str = ""
    rule: Any = field(default_factory=lambda: _EMPTY_RULE)
    revision: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    conflict: Conflict | None = None

    @property
    def is_refused(self) -> bool:
        return bool(self.problems or self.errors or self.conflict)

    def split_tags(self) -> list[str]:
        return self.tags.split(",")


@require_role(Role.ANALYST)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_new(request: HttpRequest) -> HttpResponse:
    """Empty, or with the rule or the template that the address names."""
    if request.method != "POST":
        return _render_page(request, _read_address(request), None)
    draft = _read_form(request)
    saved = _save_draft(draft, partial(services.segment_create, owner=request.user))
    return redirect("segments:detail", saved.pk) if saved else _render_page(request, draft, None)


@require_role(Role.ANALYST)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_edit(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    if request.method != "POST":
        tags = ", ".join(segment.tags)
        return _render_page(request, Draft(segment.name, segment.description, tags, segment.rule, segment.revision), segment)
    draft = _read_form(request)
    change = partial(services.segment_update, segment_id=segment_id, expected_revision=draft.revision, author=request.user)
    return redirect("segments:detail", segment_id) if _save_draft(draft, change) else _render_page(request, draft, segment)


def _read_address(request: HttpRequest) -> Draft:
    if key := request.GET.get("starter"):
        starter = find_starter(key)
        if starter is None:
            raise Http404(_("There is no template %(key)s.") % {"key": key})
        return Draft(localize(starter.name), starter.description, rule=build_template_rule(starter))
    text = request.GET.get("rule", "")
    draft = Draft()
    if text:
        _read_rule(draft, text)
    return draft


def _read_form(request: HttpRequest) -> Draft:
    """A form with `overwrite` replaces the revision that it names: its author has seen the conflict."""
    form = request.POST
    revision = parse_whole_number(form.get("overwrite", "") or form.get("revision", ""))
    # Postgres refuses NUL characters, and no keyboard writes one.
    name, description, tags = (form.get(field, "").replace("\0", "") for field in ("name", "description", "tags"))
    draft = Draft(name, description, tags, revision=revision or 0)
    _read_rule(draft, form.get("rule", ""))
    return draft


def _read_rule(draft: Draft, text: str) -> None:
    if len(text) > MAX_RULE_CHARACTERS:
        draft.errors["rule"] = [_("The rule is longer than %(number)s characters.") % {"number": f"{MAX_RULE_CHARACTERS:,}"}]
        return
    try:
        draft.rule = json.loads(text)
    except (ValueError, RecursionError):
        draft.errors["rule"] = [_("We couldn't read the rule. Build it again, or paste it again.")]


def _save_draft(draft: Draft, save: Callable[..., Segment]) -> Segment | None:
    """Save the segment, or write the reasons why not into the draft."""
    if draft.errors:
        return None
    try:
        return save(name=draft.name, description=draft.description, tags=draft.split_tags(), rule=draft.rule)
    except RuleInvalid as error:
        draft.problems = error.as_json()
    except ValidationError as error:
        faults = error.message_dict
        # A constraint finds a duplicate name, and constraints belong to no field.
        draft.errors = {("name" if key == NON_FIELD_ERRORS else key): texts for key, texts in faults.items()}
    except services.EditConflict as error:
        draft.conflict = _compare_with(draft, error.segment)
    return None


def _compare_with(draft: Draft, segment: Segment) -> Conflict:
    pairs = (
        (_("Name"), segment.name, draft.name.strip()),
        (_("Description"), segment.description, draft.description.strip()),
        (_("Tags"), ", ".join(segment.tags), ", ".join(services.clean_tags(draft.split_tags()))),
    )
    try:
        difference = rules_compare(rule_read(segment.rule), rule_read(draft.rule))
    except RuleInvalid:
        difference = None
    return Conflict(segment, difference, [ChangedField(*pair) for pair in pairs if pair[1] != pair[2]])


def list_choices() -> list[dict[str, Any]]:
    """The uploaded lists that a condition can name, each with id, name and count."""
    return list(lists_get().values("id", "name", "count"))


def _list_segment_choices(segment: Segment | None) -> list[dict[str, Any]]:
    """The segments that a condition can name: all but the segment itself, by name."""
    others = Segment.objects.filter(archived_at=None).exclude(pk=segment.pk if segment else None)
    return list(others.order_by("name").values("id", "name", "current_run__count"))


def _render_page(request: HttpRequest, draft: Draft, segment: Segment | None) -> HttpResponse:
    data = {
        **describe_builder(),
        "segments": _list_segment_choices(segment),
        "lists": list_choices(),
        "values": reverse("api:catalogue-values"),
        "categories": reverse("api:catalogue-categories"),
        "distribution": reverse("api:catalogue-distribution"),
        "upload": reverse("segments:list-new"),
        "login": reverse("accounts:login"),
        "customers": reverse("customers:list"),
        "document": draft.rule,
        "problems": draft.problems,
        "preview": reverse("api:segment-preview"),
        "segment": segment.pk if segment else None,
        "impact": reverse("api:segment-impact", args=[segment.pk]) if segment else "",
        "currency": get_currency_symbol().strip(),
        "separators": get_separators(),
        "user": request.user.pk,
        "isRefused": draft.is_refused,
    }
    context: dict[str, Any] = {"draft": draft, "segment": segment, "builder": data}
    if segment is None and not draft.is_refused and draft.rule == _EMPTY_RULE:
        context["template_groups"] = list_templates()
    return render(request, "segments/builder.html", context, status=400 if draft.is_refused else 200)
