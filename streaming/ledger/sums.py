"""Compares the counts of the same messages in the ledger, on HDFS and in Kafka. Pure functions; read.py reads the stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp.ledger import EventBalance, count_waiting
from streaming.ledger.checks import LedgerCheck, Sum, compare
from streaming.ledger.shop import ShopSums, check_shop
from streaming.messages import Counts, OffsetRange, Topic


@dataclass(frozen=True, slots=True)
class TopicSums:
    """The sums over all hours of a topic, and the same messages counted by partition and by batch."""

    topic: str
    batches: int
    counts: Counts
    reasons: Mapping[str, int]
    late: Mapping[str, int]
    in_partitions: int
    in_batches: int


@dataclass(frozen=True, slots=True)
class StreamRange:
    """The offsets of a partition that a stream has read in all its batches, and the number of messages."""

    stream: str
    topic: str
    topic_id: str
    partition: int
    start: int
    end: int
    count: int
    started: datetime


@dataclass(frozen=True, slots=True)
class LedgerGap:
    """A batch that does not start at the offset where the previous one ended."""

    stream: str
    batch: int
    partition: int
    expected: int
    start: int


@dataclass(frozen=True, slots=True)
class TableCounts:
    """Row counts of the tables on HDFS. A message that is in quarantine twice is replayed as one event."""

    events: int = 0
    dropped: int = 0  # copies that compaction left out
    quarantined: int = 0
    replayed: int = 0
    replayed_events: int = 0
    claimed: int = 0  # by a replay that was interrupted


@dataclass(frozen=True, slots=True)
class RecountedRange:
    """A range of a partition that Kafka still has, and its messages as the ledger and as Kafka count them."""

    stream: str
    partition: int
    start: int
    end: int
    in_ledger: int
    in_kafka: int = 0


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """All counts, read at about the same moment."""

    topics: Sequence[TopicSums]
    stream_ranges: Sequence[StreamRange]
    gaps: Sequence[LedgerGap]
    tables: TableCounts
    kafka_topic: Topic
    recounts: Sequence[RecountedRange] | None = None
    acknowledged: int | None = None
    shop: ShopSums | None = None

    @property
    def counts(self) -> Counts:
        return sum((topic.counts for topic in self.topics), Counts())

    @property
    def never_ran(self) -> bool:
        return not (self.stream_ranges or self.tables.events or self.tables.quarantined)

    @property
    def waiting(self) -> Mapping[int, int]:
        """Offsets between the newest stream's position and Kafka's end, by partition."""
        ranges = self.current_ranges
        newest = max(ranges, key=lambda each: each.started).stream if ranges else ""
        ends = {each.partition: each.end for each in ranges if each.stream == newest}
        return count_waiting(ends, {number: (each.start, each.end) for number, each in self.kafka_topic.partitions.items()})

    @property
    def current_ranges(self) -> list[StreamRange]:
        """The ranges of the topic that Kafka has now; offsets of an earlier topic of the same name mean nothing in it."""
        return [each for each in self.stream_ranges if each.topic_id == self.kafka_topic.id]

    @property
    def lost(self) -> list[OffsetRange]:
        """Offsets between two streams. They are no error: the operator who started the later stream accepted the loss."""
        ends: dict[int, int] = {}
        lost = []
        for each in sorted(self.current_ranges, key=lambda each: (each.started, each.partition)):
            end = ends.get(each.partition, each.start)
            if each.start > end:
                lost.append(OffsetRange(each.topic, each.partition, end, each.start))
            ends[each.partition] = max(end, each.end)
        return lost


def make_checks(report: LedgerReport) -> list[LedgerCheck]:
    checks = [check for topic in report.topics for check in _check_topic(topic)]
    shop = check_shop(report.shop) if report.shop else ()
    return [*checks, *_check_gaps(report), *_check_tables(report), *_check_acknowledged(report), *_check_recounts(report), *shop]


def _check_topic(topic: TopicSums) -> Iterator[LedgerCheck]:
    counts = topic.counts
    received = Sum([("received", counts.received)])
    yield compare(topic.topic, received, Sum([("good", counts.good), ("quarantined", counts.quarantined)]))
    quarantined, good = Sum([("quarantined", counts.quarantined)]), Sum([("good", counts.good)])
    others = (
        compare(topic.topic, received, Sum([("by partition", topic.in_partitions)])),
        compare(topic.topic, received, Sum([("by batch", topic.in_batches)])),
        compare(topic.topic, quarantined, Sum([("by reason", sum(topic.reasons.values()))])),
        compare(topic.topic, good, Sum([("by days late", sum(topic.late.values()))])),
    )
    # These are shown only if they fail.
    yield from (check for check in others if not check.ok)


def _check_gaps(report: LedgerReport) -> Iterator[LedgerCheck]:
    for gap in report.gaps:
        where = f"batch {gap.batch} of stream {gap.stream}, partition {gap.partition}"
        yield LedgerCheck(False, f"{where}: starts at offset {gap.start:,}, the previous batch ended at {gap.expected:,}")


def _check_tables(report: LedgerReport) -> Iterator[LedgerCheck]:
    counts, tables = report.counts, report.tables
    balance = EventBalance(counts.good, tables.replayed_events, tables.events, tables.dropped)
    # A replay that was interrupted may or may not have appended its events; the next replay finishes it.
    ok = 0 <= balance.surplus <= tables.claimed
    sign = "≠" if not ok else "≤" if tables.claimed else "="
    yield LedgerCheck(ok, f"events on HDFS: {balance.describe(sign)}")
    rows = Sum([("rows", tables.quarantined)])
    yield compare("quarantine on HDFS", Sum([("quarantined", counts.quarantined)]), rows)


def _check_acknowledged(report: LedgerReport) -> Iterator[LedgerCheck]:
    """Skipped if several streams ran: they have read some messages more than once, so the two sums can't be compared."""
    if report.acknowledged is None or len({each.stream for each in report.stream_ranges}) > 1:
        return
    parts = [("acknowledged by the source", report.acknowledged)]
    if report.shop:
        parts.append(('sent by the stream "shop"', report.shop.sent))
    sent = Sum(parts)
    ahead, waiting = sent.total - report.counts.received, sum(report.waiting.values())
    difference = f"{sent} - received by the stream {report.counts.received:,}"
    if ahead < 0:
        others = "other programs send too, such as ./run shop simulate --views, or the source is still sending"
        yield LedgerCheck(True, f"Kafka: {difference} = -{-ahead:,}: {others}")
    elif ahead > waiting:
        yield LedgerCheck(False, f"Kafka: {difference} = {ahead:,}, but only {waiting:,} offsets wait in Kafka")
    else:
        yield LedgerCheck(True, f"Kafka: {difference} = {ahead:,} waiting in Kafka")


def _check_recounts(report: LedgerReport) -> Iterator[LedgerCheck]:
    for part in report.recounts or ():
        place = f"partition {part.partition} from offset {part.start:,} until {part.end:,}, stream {part.stream}"
        yield compare(place, Sum([("committed messages in Kafka", part.in_kafka)]), Sum([("received", part.in_ledger)]))
