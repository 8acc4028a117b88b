"""Who entered and left a segment in a run, from the members' intervals. Later runs don't change the answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from cdp_web.segments.members import members_at
from cdp_web.segments.models import Membership, SegmentRun

ENTERED, LEFT = "entered", "left"


@dataclass(frozen=True, slots=True)
class Change:
    customer_id: str
    kind: str
    reason: str


def run_has_changes() -> Q:
    """Complete runs in which someone entered or left."""
    return Q(status=SegmentRun.Status.DONE) & (Q(entered__gt=0) | Q(left__gt=0))


def iterate_changes(run: SegmentRun, start: int = 0, end: int | None = None) -> Iterator[Change]:
    """The changes from place `start` to before `end`: those who entered, then those who left, each sorted by id."""
    entered = run.entered or 0
    last = entered + (run.left or 0) if end is None else end
    yield from _iterate(_list_entered(run)[start:last], ENTERED)
    yield from _iterate(_list_left(run)[max(start - entered, 0) : max(last - entered, 0)], LEFT)


def entered_since(run: SegmentRun, earlier: SegmentRun) -> QuerySet[Membership]:
    """Members as of `run` who were not members as of `earlier`, whatever happened in between."""
    before = members_at(earlier).filter(customer_id=OuterRef("customer_id"))
    return members_at(run).filter(~Exists(before), entered_run__gt=earlier.pk)


def left_since(run: SegmentRun, earlier: SegmentRun) -> QuerySet[Membership]:
    """Members as of `earlier` who are not members as of `run`."""
    after = members_at(run).filter(customer_id=OuterRef("customer_id"))
    return members_at(earlier).filter(~Exists(after), left_run__lte=run.pk)


def _list_entered(run: SegmentRun) -> QuerySet[Membership, tuple[str, str]]:
    rows = Membership.objects.filter(segment_id=run.segment_id, entered_run=run.pk)
    return rows.order_by("customer_id").values_list("customer_id", "entered_reason")


def _list_left(run: SegmentRun) -> QuerySet[Membership, tuple[str, str]]:
    rows = Membership.objects.filter(segment_id=run.segment_id, left_run=run.pk)
    return rows.order_by("customer_id").values_list("customer_id", "left_reason")


def _iterate(rows: QuerySet[Membership, tuple[str, str]], kind: str) -> Iterator[Change]:
    for customer_id, reason in rows.iterator(chunk_size=5_000):
        yield Change(customer_id, kind, reason)
