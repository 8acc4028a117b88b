"""The history of a segment: its size on every published day, also before it existed, and who entered and left."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import Count
from kombu.exceptions import OperationalError as BrokerError

from cdp.rules import Rule
from cdp.rules.truth import TruthTable
from cdp_web.segments.evaluate import TooExpensive, evaluation_open
from cdp_web.segments.models import Membership, Segment, SegmentRun, SegmentSize
from cdp_web.segments.references import References
from cdp_web.segments.rules import RuleInvalid, references_read, rule_read
from cdp_web.serving.errors import NothingPublished, SnapshotUnavailable
from cdp_web.serving.past import past_day_get, past_days_get, past_snapshot_open
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import LIST_COLUMNS, Snapshot

logger = logging.getLogger(__name__)

#: Name of the Celery task that fills the sizes of past days.
SIZES_FILL = "segments.sizes_fill"
#: Past days per segment, newest first.
MAX_PAST_DAYS = 60
#: Days that pages and the API show.
DAYS_SHOWN = 400
PAGE_SIZE = 25
#: One evaluation may take so long, and one task; what is left is another task's.
SECONDS = 60
TASK_SECONDS = 1200


@dataclass(frozen=True, slots=True)
class PastMembers:
    """The current rule on an earlier day, with the first customers by id."""

    publication: Publication
    version: int
    count: int
    total: int
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DayChange:
    """Customers who entered and left on one published day for one reason."""

    day: date
    reason: str
    entered: int
    left: int


class DayNotPublished(LookupError):
    """No snapshot of the customers was ever made for the day."""


def sizes_request(segment: Segment) -> None:
    """Let a worker fill the sizes of past days once the caller's transaction is committed."""
    try:
        has_past = bool(past_days_get())
    except NothingPublished:
        return
    if has_past:
        transaction.on_commit(partial(_dispatch, segment.pk))


def sizes_fill(segment_id: int) -> int:
    """Fill the missing sizes of past days; returns how many. While a day is open, all segments that miss it get theirs, because
    to open a day takes longest. Days that can't be read any more are left out."""
    segment = Segment.objects.filter(pk=segment_id, archived_at=None).first()
    if segment is None:
        return 0
    started, count = time.monotonic(), 0
    for publication in _list_missing_days(segment):
        if count and time.monotonic() - started > TASK_SECONDS:
            _dispatch(segment_id)
            break
        try:
            count += _fill_day(past_snapshot_open(publication), segment)
        except SnapshotUnavailable as error:
            logger.info("no sizes of %s: %s", publication.day, error.says)
    return count


def segment_evaluate_as_of(segment: Segment, day: date) -> PastMembers:
    """The current rule on an earlier published day. Raises DayNotPublished, or PastUnavailable for a day that is gone."""
    publication = past_day_get(day)
    if publication is None:
        earlier = next((each.day for each in past_days_get() if each.day < day), None)
        hint = f" The published day before it is {earlier}." if earlier else ""
        raise DayNotPublished(f"{day} was not published.{hint}")
    rule = rule_read(segment.rule)
    snapshot, references = past_snapshot_open(publication), references_read(rule, of_segment=segment.pk)
    count, total, ids = _evaluate(snapshot, rule, references)
    columns = ", ".join(("customer_id", *(metric.key for metric in LIST_COLUMNS)))
    sql = f"SELECT {columns} FROM customers WHERE customer_id IN (SELECT unnest($1)) ORDER BY customer_id"
    return PastMembers(publication, segment.version, count, total, snapshot.read_rows(sql, [ids]) if ids else [])


def sizes_get(segment: Segment) -> list[SegmentSize]:
    """One size per day, by the newest version of the rule that has one, oldest day first."""
    newest = SegmentSize.objects.filter(segment=segment).order_by("-day", "-version").distinct("day")
    return list(newest[:DAYS_SHOWN])[::-1]


def changes_get(segment: Segment) -> list[DayChange]:
    """Who entered and left by day and reason, newest first."""
    counts: dict[tuple[date, str], list[int]] = {}
    stays = Membership.objects.filter(segment=segment)
    for position, way in enumerate(("entered", "left")):
        rows = stays.exclude(**{f"{way}_day": None}).values_list(f"{way}_day", f"{way}_reason").annotate(customers=Count("pk"))
        for day, reason, customers in rows.order_by(f"-{way}_day", f"{way}_reason")[:DAYS_SHOWN]:
            counts.setdefault((day, reason), [0, 0])[position] = customers
    in_order = sorted(counts.items(), key=lambda item: (-item[0][0].toordinal(), item[0][1]))
    return [DayChange(day, reason, entered, left) for (day, reason), (entered, left) in in_order[:DAYS_SHOWN]]


def _list_missing_days(segment: Segment) -> Iterator[Publication]:
    """Newest first. Read again before each day: another worker may have filled it."""
    for publication in past_days_get()[:MAX_PAST_DAYS]:
        if not SegmentSize.objects.filter(segment=segment, version=segment.version, day=publication.day).exists():
            yield publication


def _fill_day(snapshot: Snapshot, first: Segment) -> int:
    day = snapshot.publication.day
    have = dict(SegmentSize.objects.filter(day=day).order_by("version").values_list("segment_id", "version"))
    others = Segment.objects.filter(archived_at=None).exclude(pk=first.pk).order_by("pk")
    missing = [each for each in (first, *others) if have.get(each.pk) != each.version]
    return sum(_fill_size(snapshot, segment) for segment in missing)


def _fill_size(snapshot: Snapshot, segment: Segment) -> bool:
    try:
        rule = rule_read(segment.rule)
        count, total, _ = _evaluate(snapshot, rule, references_read(rule, of_segment=segment.pk))
    except (RuleInvalid, TooExpensive) as error:
        logger.info("no size of segment %s on %s: %s", segment.pk, snapshot.publication.day, error)
        return False
    size = {"count": count, "total": total}
    _, is_new = SegmentSize.objects.get_or_create(
        segment=segment, version=segment.version, day=snapshot.publication.day, defaults=size
    )
    return is_new


def _evaluate(snapshot: Snapshot, rule: Rule, references: References) -> tuple[int, int, list[str]]:
    """Members, all customers, and the ids of the first members."""
    with evaluation_open(snapshot, rule, references, seconds=SECONDS) as evaluation:
        truth = TruthTable(rule, evaluation.source)
        evaluation.session.execute(truth.create())
        count, total = map(int, evaluation.session.read_row(truth.count([truth.is_member(), truth.is_anyone()])))
        rows = evaluation.session.read_rows(truth.select_first_ids(truth.is_member(), PAGE_SIZE))
    return count, total, [str(row["customer_id"]) for row in rows]


def _dispatch(segment_id: int) -> None:
    try:
        current_app.send_task(SIZES_FILL, [segment_id], queue=SegmentRun.Queue.NIGHT)
    except BrokerError as error:
        logger.warning(
            "the broker does not answer (%s); the sizes of segment %s are filled after its next change", error, segment_id
        )
