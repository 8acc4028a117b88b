"""Counts what became of a batch's messages, by topic and hour of receipt: each task makes groups, and the driver adds them up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cdp.events.reading import to_days
from streaming.messages import Counts, PartitionKey

#: Buckets of the days from an event to its receipt: (last day of the bucket, its name). An event of tomorrow is not late.
LATE = ((0, "0"), (1, "1"), (7, "2-7"), (30, "8-30"))
LATER = "31+"


@dataclass(frozen=True, slots=True)
class Group:
    """Messages of one hour and partition with the same outcome: good with the same lateness, or refused for the same reason."""

    topic: str
    hour: datetime
    partition: int
    reason: str | None
    late: str | None
    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PartitionMessages:
    """Messages of one partition: the first and the last offset, and their count. Some offsets in between hold no message."""

    first: int
    last: int
    count: int

    def __add__(self, other: PartitionMessages) -> PartitionMessages:
        return PartitionMessages(min(self.first, other.first), max(self.last, other.last), self.count + other.count)


@dataclass(frozen=True, slots=True)
class Hour:
    """One row of the ledger, without its batch."""

    topic: str
    hour: datetime
    counts: Counts
    reasons: Mapping[str, int]
    late: Mapping[str, int]
    partitions: Mapping[int, PartitionMessages]

    def __add__(self, other: Hour) -> Hour:
        """Merge two counts of the same hour, from different messages."""
        partitions = dict(self.partitions)
        for number, messages in other.partitions.items():
            partitions[number] = partitions[number] + messages if number in partitions else messages
        pairs = ((self.reasons, other.reasons), (self.late, other.late))
        reasons, late = (Counter(left) + Counter(right) for left, right in pairs)
        return Hour(self.topic, self.hour, self.counts + other.counts, dict(reasons), dict(late), partitions)


@dataclass(frozen=True, slots=True)
class BatchAccount:
    """The counts of a whole batch; its hours in order."""

    hours: tuple[Hour, ...]

    @property
    def counts(self) -> Counts:
        return sum((hour.counts for hour in self.hours), Counts())

    def count_in(self, key: PartitionKey) -> int:
        """The number of messages in one partition of a topic."""
        hours = (hour for hour in self.hours if hour.topic == key.topic and key.partition in hour.partitions)
        return sum(hour.partitions[key.partition].count for hour in hours)


def group_events(events: pa.Table) -> list[Group]:
    """Groups of good events. There are few: hours, partitions and buckets are few."""
    days = _count_days(to_days(events.column("received_at"))) - _count_days(events.column("event_day"))
    buckets = np.searchsorted([last for last, _ in LATE], days)
    names = pa.array([name for _, name in LATE] + [LATER])
    return _group(events, reason=pa.nulls(len(events), pa.string()), late=names.take(pa.array(buckets)))


def group_refusals(refusals: pa.Table) -> list[Group]:
    """Groups of refused messages."""
    return _group(refusals, reason=refusals.column("reason"), late=pa.nulls(len(refusals), pa.string()))


def _count_days(dates: pa.ChunkedArray) -> npt.NDArray[np.int32]:
    return dates.cast(pa.int32()).to_numpy()


def _group(rows: pa.Table, **outcome: pa.Array | pa.ChunkedArray) -> list[Group]:
    hours = pc.floor_temporal(rows.column("received_at").cast(pa.timestamp("us")), unit="hour")
    columns = {
        "topic": rows.column("kafka_topic"),
        "hour": hours,
        "partition": rows.column("kafka_partition"),
        **outcome,
        "offset": rows.column("kafka_offset"),
    }
    keys = [name for name in columns if name != "offset"]
    sums = pa.table(columns).group_by(keys, use_threads=False)
    counts = sums.aggregate([("offset", "count"), ("offset", "min"), ("offset", "max")])
    return [Group(*row.values()) for row in counts.select([*keys, "offset_count", "offset_min", "offset_max"]).to_pylist()]


def add_up(groups: Iterable[Group]) -> BatchAccount:
    return BatchAccount(_merge_hours(map(_make_hour, groups)))


def _make_hour(group: Group) -> Hour:
    reasons = {group.reason: group.count} if group.reason is not None else {}
    late = {group.late: group.count} if group.late is not None else {}
    counts = Counts(group.count, sum(late.values()), sum(reasons.values()))
    partitions = {group.partition: PartitionMessages(group.first, group.last, group.count)}
    return Hour(group.topic, group.hour, counts, reasons, late, partitions)


def _merge_hours(hours: Iterable[Hour]) -> tuple[Hour, ...]:
    """One Hour for each topic and hour, in order."""

    def key(hour: Hour) -> tuple[str, datetime]:
        return hour.topic, hour.hour

    return tuple(reduce(Hour.__add__, same_hour) for _, same_hour in groupby(sorted(hours, key=key), key))
