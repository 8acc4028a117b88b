"""The tabs of a segment's page: insight, members, movement, rule, overlaps, uses and runs."""

from __future__ import annotations

import json
from typing import Any

import sqlglot
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from cdp.metrics import GROUPS, metrics_of
from cdp.rules import Names, Rule, RuleError, decode, require_valid, to_sentence, to_sql, walk
from cdp.rules.tree import All, Not
from cdp.rules.tree import Any as AnyOf
from cdp_web.charts.csv import answer_csv
from cdp_web.layout.facts import get_rule_language
from cdp_web.layout.pages import answer_bad_request
from cdp_web.names.people import people_get
from cdp_web.names.selectors import list_codes, names_get
from cdp_web.segments import selectors
from cdp_web.segments.header import SegmentHeader, header_get, is_current
from cdp_web.segments.history import MAX_PAST_DAYS, changes_get, sizes_get
from cdp_web.segments.impact import list_webhooks
from cdp_web.segments.member_list import ID, MAX_COLUMNS, member_list_get, parse_member_query
from cdp_web.segments.models import Segment, WebhookDelivery
from cdp_web.segments.movement import LISTED, REASONS, build_change_chart, build_size_chart, movement_get
from cdp_web.segments.overlap import overlaps_get, segment_find_similar
from cdp_web.segments.profile_charts import build_mix_charts
from cdp_web.segments.rules import RuleInvalid, references_read, rule_read
from cdp_web.segments.selectors import segment_or_404
from cdp_web.segments.versions import versions_get
from cdp_web.serving.errors import NothingPublished, NotReady
from cdp_web.serving.publications import Publication, publication_get_for_request

DELIVERIES_SHOWN = 20


@require_safe
def segment_detail(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Insight: what is typical of the members."""
    segment, header = _load(request, segment_id)
    profile, publication = header.profile, _get_publication(request)
    with_links = is_current(segment, publication)
    charts = build_mix_charts(segment, profile, with_links=with_links) if profile and profile.count else []
    context = {"charts": charts, "similar": segment_find_similar(segment)}
    return answer_csv(request, charts) or _render(request, "insight", header, context)


@require_safe
def segment_members(request: HttpRequest, segment_id: int) -> HttpResponse:
    _segment, header = _load(request, segment_id)
    context: dict[str, Any] = {"groups": [(group, metrics_of(group)) for group in GROUPS], "most_columns": MAX_COLUMNS}
    if header.run:
        try:
            query = parse_member_query(request.GET, header.run)
            page = context["page"] = member_list_get(header.run, query)
            context["people"] = people_get(request.user, [row[ID] for row in page.rows])
            context["names"] = names_get(categories=list_codes(page.rows))
        except NotReady as error:
            context["unavailable"] = error
        except ValueError as error:
            return answer_bad_request(request, str(error))
    return _render(request, "members", header, context)


@require_safe
def segment_movement(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Sizes, and who entered and left by day; with a day, way and reason the customers themselves."""
    segment, header = _load(request, segment_id)
    sizes, changes = sizes_get(segment), changes_get(segment)
    charts = [build_size_chart(sizes), build_change_chart(changes)]
    context: dict[str, Any] = {
        "charts": charts, "changes": [(change, REASONS.get(change.reason, change.reason)) for change in changes],
        "past_days": MAX_PAST_DAYS, "listed": LISTED,
    }  # fmt: skip
    if "day" in request.GET:
        context["movement"] = movement_get(segment, *(request.GET.get(name, "") for name in ("day", "way", "reason")))
        if context["movement"] is None:
            return answer_bad_request(request, "day, way and reason must be those of a row of the table.")
        context["people"] = people_get(request.user, context["movement"].ids)
    return answer_csv(request, charts) or _render(request, "movement", header, context)


@require_safe
def segment_rule(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment, header = _load(request, segment_id)
    names = selectors.names_get([segment])
    context = {
        "sentence": selectors.capitalize_sentence(selectors.segment_describe(segment, names)),
        "nodes": _describe_nodes(segment, names),
        "entries": versions_get(segment),
        "sql": _write_sql(segment, _get_publication(request)),
        "document": json.dumps(segment.rule, indent=2, ensure_ascii=False),
    }
    return _render(request, "rule", header, context)


@require_safe
def segment_overlaps(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment, header = _load(request, segment_id)
    return _render(request, "overlaps", header, {"overlaps": overlaps_get(segment)})


@require_safe
def segment_uses(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment, header = _load(request, segment_id)
    users = selectors.segments_get_users(segment)
    deliveries = WebhookDelivery.objects.filter(run__segment=segment).select_related("webhook", "run")
    context = {
        "users": users,
        "indirect": [each for each in selectors.segments_get_dependents(segment) if each not in users],
        "webhooks": list_webhooks(segment),
        "deliveries": list(deliveries[:DELIVERIES_SHOWN]),
    }
    return _render(request, "uses", header, context)


@require_safe
def segment_runs(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment, header = _load(request, segment_id)
    run = header.run
    sql = sqlglot.transpile(run.sql, read=run.engine, write=run.engine, pretty=True)[0] if run and run.sql else ""
    return _render(request, "runs", header, {"runs": selectors.runs_get_latest(segment), "sql": sql})


@require_safe
def segment_status(request: HttpRequest, segment_id: int) -> HttpResponse:
    """What a run does now. The page asks while a run is active, and reloads once it has ended."""
    segment = segment_or_404(segment_id)
    latest = segment.runs.select_related("version").first()
    if latest is None or not latest.is_active:
        return HttpResponseClientRefresh()
    return render(request, "segments/running.html", {"segment": segment, "latest": latest, "run": segment.current_run})


def _load(request: HttpRequest, segment_id: int) -> tuple[Segment, SegmentHeader]:
    segment = segment_or_404(segment_id)
    return segment, header_get(segment, _get_publication(request))


def _render(request: HttpRequest, tab: str, header: SegmentHeader, context: dict[str, Any]) -> HttpResponse:
    base = {
        "segment": header.segment, "header": header, "run": header.run, "latest": header.latest, "tab": tab,
        "sentence": selectors.capitalize_sentence(selectors.segment_describe(header.segment)),
    }  # fmt: skip
    return render(request, f"segments/tab_{tab}.html", base | context)


def _get_publication(request: HttpRequest) -> Publication | None:
    try:
        return publication_get_for_request(request)
    except NothingPublished:
        return None


def _describe_nodes(segment: Segment, names: Names) -> list[dict[str, Any]]:
    """The conditions in reading order; none if the rule can no longer be read."""
    try:
        rule = decode(segment.rule)
        require_valid(rule)
    except RuleError:
        return []
    return [{"depth": node.depth, "kind": _get_kind(node.rule), "sentence": _describe(node.rule, names)} for node in walk(rule)]


def _get_kind(rule: Rule) -> str:
    match rule:
        case All():
            return "all"
        case AnyOf():
            return "any"
        case Not():
            return "not"
    return "leaf"


def _describe(rule: Rule, names: Names) -> str:
    if isinstance(rule, All | AnyOf | Not):
        return ""
    return selectors.capitalize_sentence(to_sentence(rule, names, get_rule_language()))


def _write_sql(segment: Segment, publication: Publication | None) -> str:
    """The current rule on the serving publication; empty before the first one, or if the rule can't be read."""
    if publication is None:
        return ""
    try:
        rule = rule_read(segment.rule)
        source = references_read(rule, of_segment=segment.pk).source(publication.day)
    except RuleInvalid:
        return ""
    return sqlglot.transpile(to_sql(rule, source), read="duckdb", write="duckdb", pretty=True)[0]
