"""What the ledger, HDFS and Kafka say of the same messages, and whether it adds up. Pure: reading is in read.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from streaming.account import Counts
from streaming.topic import Topic


@dataclass(frozen=True, slots=True)
class TopicSums:
    """All hours of a topic; beside them what partitions and batches say of the same messages."""

    topic: str
    batches: int
    counts: Counts
    reasons: Mapping[str, int]
    late: Mapping[str, int]
    in_partitions: int
    in_batches: int


@dataclass(frozen=True, slots=True)
class Reach:
    """What a stream has taken of a partition in all its batches: from an offset up to another."""

    stream: str
    topic: str
    topic_id: str
    partition: int
    start: int
    end: int
    count: int
    begun: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A batch that does not begin where the one before ended."""

    stream: str
    batch: int
    partition: int
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Offsets of a partition that no stream has taken: from the first up to the second."""

    partition: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hdfs:
    """Rows of the tables now. A message that is in quarantine twice is replayed as one event."""

    events: int = 0
    dropped: int = 0  # copies that compaction left out
    quarantined: int = 0
    replayed: int = 0
    replayed_events: int = 0
    claimed: int = 0  # taken by a replay that was cut off


@dataclass(frozen=True, slots=True)
class Recount:
    """Messages of a stretch of a partition that Kafka still has: as the ledger and as Kafka count them."""

    stream: str
    partition: int
    start: int
    end: int
    in_ledger: int
    in_kafka: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """All of it, as read at about one moment."""

    topics: Sequence[TopicSums]
    reaches: Sequence[Reach]
    gaps: Sequence[Gap]
    hdfs: Hdfs
    now: Topic
    recounted: Sequence[Recount] | None = None
    acknowledged: int | None = None

    @property
    def counts(self) -> Counts:
        return sum((topic.counts for topic in self.topics), Counts())

    @property
    def never_ran(self) -> bool:
        return not (self.reaches or self.hdfs.events or self.hdfs.quarantined)

    @property
    def waiting(self) -> Mapping[int, int]:
        """Offsets between the newest stream and Kafka's end; marks of transactions among them are no messages."""
        current = self.current
        newest = max(current, key=lambda reach: reach.begun).stream if current else ""
        reached = {reach.partition: reach.end for reach in current if reach.stream == newest}
        return {number: held.end - max(reached.get(number, 0), held.low) for number, held in self.now.partitions.items()}

    @property
    def current(self) -> list[Reach]:
        """Of the topic that Kafka has now; offsets of one that it had before mean nothing in it."""
        return [reach for reach in self.reaches if reach.topic_id == self.now.id]

    @property
    def lost(self) -> list[Lost]:
        """Between two streams: who began the later one has accepted it."""
        reached: dict[int, int] = {}
        found = []
        for reach in sorted(self.current, key=lambda reach: (reach.begun, reach.partition)):
            before = reached.get(reach.partition, reach.start)
            if reach.start > before:
                found.append(Lost(reach.partition, before, reach.start))
            reached[reach.partition] = max(before, reach.end)
        return found


@dataclass(frozen=True, slots=True)
class Check:
    """One sum, and whether it holds."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Sum:
    """A number as parts that are told: `good 5 + replayed 2`."""

    parts: Sequence[tuple[str, int]] = field(default_factory=tuple)

    @property
    def total(self) -> int:
        return sum(number for _, number in self.parts)

    def __str__(self) -> str:
        return " + ".join(f"{name} {number:,}" for name, number in self.parts)


def checks(found: Found) -> list[Check]:
    judged = [check for topic in found.topics for check in _topic_checks(topic)]
    return [*judged, *_gap_checks(found), *_hdfs_checks(found), *_acknowledged_checks(found), *_recount_checks(found)]


def _same(place: str, left: Sum, right: Sum, between: int = 0) -> Check:
    """`between` says how much more the right side may have."""
    ok = 0 <= right.total - left.total <= between
    return Check(ok, f"{place}: {left} {'=' if ok and not between else '≤' if ok else '≠'} {right}")


def _topic_checks(topic: TopicSums) -> Iterator[Check]:
    counts = topic.counts
    received = Sum([("received", counts.received)])
    yield _same(topic.topic, received, Sum([("good", counts.good), ("quarantined", counts.quarantined)]))
    quarantined, good = Sum([("quarantined", counts.quarantined)]), Sum([("good", counts.good)])
    others = (
        _same(topic.topic, received, Sum([("by partition", topic.in_partitions)])),
        _same(topic.topic, received, Sum([("by batch", topic.in_batches)])),
        _same(topic.topic, quarantined, Sum([("by reason", sum(topic.reasons.values()))])),
        _same(topic.topic, good, Sum([("by days late", sum(topic.late.values()))])),
    )
    # Of use only where they are off.
    yield from (check for check in others if not check.ok)


def _gap_checks(found: Found) -> Iterator[Check]:
    for gap in found.gaps:
        where = f"batch {gap.batch} of stream {gap.stream}, partition {gap.partition}"
        yield Check(False, f"{where}: begins at offset {gap.found:,}, the one before ended at {gap.expected:,}")


def _hdfs_checks(found: Found) -> Iterator[Check]:
    counts, hdfs = found.counts, found.hdfs
    came = Sum([("good", counts.good), ("replayed", hdfs.replayed_events)])
    there = Sum([("rows", hdfs.events), ("copies that compaction dropped", hdfs.dropped)])
    # A replay that was cut off may have brought its events or not; the next replay finishes it.
    yield _same("events on HDFS", came, there, hdfs.claimed)
    rows = Sum([("rows", hdfs.quarantined)])
    yield _same("quarantine on HDFS", Sum([("quarantined", counts.quarantined)]), rows)


def _acknowledged_checks(found: Found) -> Iterator[Check]:
    """Several streams have read the same messages more than once: then the sums of the two hops are not of the same things."""
    if found.acknowledged is None or len({reach.stream for reach in found.reaches}) > 1:
        return
    ahead, waiting = found.acknowledged - found.counts.received, sum(found.waiting.values())
    told = f"acknowledged by the source {found.acknowledged:,} - received by the stream {found.counts.received:,}"
    if ahead < 0:
        yield Check(True, f"Kafka: {told} = -{-ahead:,}: others send too, or the source goes on")
    elif ahead > waiting:
        yield Check(False, f"Kafka: {told} = {ahead:,}, but only {waiting:,} offsets wait in Kafka")
    else:
        yield Check(True, f"Kafka: {told} = {ahead:,} waiting in Kafka")


def _recount_checks(found: Found) -> Iterator[Check]:
    for part in found.recounted or ():
        place = f"partition {part.partition} from offset {part.start:,} until {part.end:,}, stream {part.stream}"
        yield _same(place, Sum([("committed messages in Kafka", part.in_kafka)]), Sum([("received", part.in_ledger)]))
