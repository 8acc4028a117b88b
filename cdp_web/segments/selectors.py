"""Reads of segments, for the pages and the API."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404
from django.utils.translation import gettext as _

from cdp.rules import Names, Rule, RuleError, decode, to_sentence
from cdp.rules.recommended import reads_recommendations
from cdp_web.layout.facts import get_rule_language
from cdp_web.names.rules import rule_names_get
from cdp_web.segments.models import MAX_SEGMENTS, CustomerList, Membership, Segment, SegmentRun
from cdp_web.segments.references import list_list_ids, list_segment_ids
from cdp_web.serving.errors import NothingPublished
from cdp_web.serving.publications import publication_get
from cdp_web.serving.snapshot_query import LIST_COLUMNS, Snapshot, snapshot_open
from cdp_web.serving.snapshot_store import TABLE

RUNS_SHOWN = 20
#: Stays of one customer that are shown: more than there can be segments.
STAYS_SHOWN = 2 * MAX_SEGMENTS


def segment_list(*, archived: bool = False) -> QuerySet[Segment]:
    """Segments, each with the status and error of its latest run."""
    latest = SegmentRun.objects.filter(segment=OuterRef("pk")).order_by("-pk")
    return (
        Segment.objects.filter(archived_at__isnull=not archived)
        .select_related("owner", "current_run", "current_run__version")
        .annotate(latest_status=Subquery(latest.values("status")[:1]), latest_error=Subquery(latest.values("error")[:1]))
    )


def segment_get(segment_id: int) -> Segment | None:
    return Segment.objects.select_related("owner", "current_run", "current_run__version").filter(pk=segment_id).first()


def segment_or_404(segment_id: int) -> Segment:
    segment = segment_get(segment_id)
    if segment is None:
        raise Http404(_("There is no segment %(id)s.") % {"id": segment_id})
    return segment


def segment_describe(segment: Segment, names: Names | None = None) -> str:
    """The rule in words. If it uses a metric that no longer exists, say so: the page must open so the rule can be fixed.
    Load `names` once to describe many segments."""
    try:
        return to_sentence(decode(segment.rule), names or names_get([segment]), get_rule_language())
    except RuleError as error:
        return _("the rule can no longer be read: %(error)s") % {"error": error}


def capitalize_sentence(text: str) -> str:
    """With a capital at the first letter, which may stand behind a bracket."""
    position = next((position for position, letter in enumerate(text) if letter.isalpha()), 0)
    return text[:position] + text[position : position + 1].upper() + text[position + 1 :]


def names_get(segments: Sequence[Segment]) -> Names:
    """The names of all that the rules of these segments refer to: segments, lists, products and categories."""
    return rules_get_names([rule for each in segments if (rule := _decode(each))])


def rules_get_names(rules: Sequence[Rule]) -> Names:
    """The names of all that these rules refer to."""
    segment_ids, list_ids = (set[int]().union(*map(find, rules)) for find in (list_segment_ids, list_list_ids))
    names = Names(
        dict(Segment.objects.filter(pk__in=segment_ids).values_list("pk", "name")),
        dict(CustomerList.objects.filter(pk__in=list_ids).values_list("pk", "name")),
    )
    return names.merge(rule_names_get(rules))


def segments_get_for_customer(customer_id: str) -> list[Segment]:
    """The segments that have the customer as a member."""
    stays = Membership.objects.filter(customer_id=customer_id, left_run=None).values("segment_id")
    segments = Segment.objects.filter(archived_at=None, pk__in=stays).select_related("current_run").order_by("name")
    return list(segments[:MAX_SEGMENTS])


def stays_get_for_customer(customer_id: str, *, with_past: bool = False) -> list[Membership]:
    """The customer's stays in segments that are not archived, newest first."""
    stays = Membership.objects.filter(customer_id=customer_id, segment__archived_at=None).select_related("segment")
    if not with_past:
        stays = stays.filter(left_run=None)
    return list(stays.order_by("-entered_run", "-pk")[:STAYS_SHOWN])


def segments_get_users(segment: Segment) -> list[Segment]:
    """The segments whose rules refer to this one."""
    return [each for each in _list_active() if segment.pk in _list_references(each)]


def segments_get_dependents(segment: Segment) -> list[Segment]:
    """The segments that depend on this one, directly or through other segments."""
    return [each for each in _add_dependents({segment.pk}) if each.pk != segment.pk]


def list_get_users(list_id: int) -> list[Segment]:
    """The segments whose rules refer to this list."""
    return lists_get_users().get(list_id, [])


def lists_get_users() -> dict[int, list[Segment]]:
    """Every list that is in use, with the segments whose rules refer to it."""
    users: dict[int, list[Segment]] = {}
    for segment in _list_active():
        for list_id in _list_references(segment, of_lists=True):
            users.setdefault(list_id, []).append(segment)
    return users


def list_get_dependents(list_id: int) -> list[Segment]:
    """The segments that refer to this list, directly or through other segments, in the order of their ids."""
    return _add_dependents({each.pk for each in list_get_users(list_id)})


def segments_get_reading_recommendations() -> list[Segment]:
    """The segments whose rules read recommendations, directly or through other segments, in the order of their ids."""
    return _add_dependents({each.pk for each in _list_active() if (rule := _decode(each)) and reads_recommendations(rule)})


def segments_sort_by_dependence() -> list[Segment]:
    """All segments; each comes after the segments that its rule refers to. A loop is left in the order of age."""
    segments = {segment.pk: segment for segment in _list_active()}
    graph = {key: _list_references(segment) & segments.keys() for key, segment in segments.items()}
    try:
        return [segments[key] for key in TopologicalSorter(graph).static_order()]
    except CycleError:
        return list(segments.values())


def _add_dependents(ids: set[int]) -> list[Segment]:
    """The segments with these ids, and all that refer to one of them, directly or through others, in the order of their ids."""
    active = _list_active()
    references = {each.pk: _list_references(each) for each in active}
    while more := {key for key, others in references.items() if key not in ids and others & ids}:
        ids = ids | more
    return [each for each in active if each.pk in ids]


def _list_active() -> list[Segment]:
    return list(Segment.objects.filter(archived_at=None).order_by("pk"))


def _list_references(segment: Segment, *, of_lists: bool = False) -> set[int]:
    rule = _decode(segment)
    if rule is None:
        return set()
    return list_list_ids(rule) if of_lists else list_segment_ids(rule)


def _decode(segment: Segment) -> Rule | None:
    """None if the rule can no longer be read."""
    try:
        return decode(segment.rule)
    except RuleError:
        return None


def runs_get_latest(segment: Segment) -> list[SegmentRun]:
    """The latest runs, newest first."""
    return list(segment.runs.select_related("version", "requested_by")[:RUNS_SHOWN])


def member_rows_get(run: SegmentRun, ids: list[str]) -> list[dict[str, Any]]:
    """These members with the columns of the customer list, sorted by id."""
    keys = tuple(metric.key for metric in LIST_COLUMNS)
    return customer_rows_get(run_snapshot_open(run), ids, keys) if ids else []


def run_snapshot_open(run: SegmentRun) -> Snapshot:
    publication = publication_get(run.publication_id)
    if publication is None:
        raise NothingPublished
    return snapshot_open(publication)


def customer_rows_get(snapshot: Snapshot, ids: list[str], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """These customers with these metrics, sorted by id."""
    columns = ", ".join(("customer_id", *keys))
    return snapshot.read_rows(
        f"SELECT {columns} FROM {TABLE} WHERE customer_id IN (SELECT unnest(?)) ORDER BY customer_id", [ids]
    )
