"""Counts what became of a batch's messages, by topic and hour of receipt: one aggregation in Spark, the sums in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

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


def group_messages(parsed: DataFrame) -> DataFrame:
    """Aggregate into rows with the columns of Group. There are few: hours, partitions and reasons are few."""
    keys = {
        "topic": F.col("kafka_topic"),
        "hour": F.date_trunc("hour", "received_at"),
        "partition": F.col("kafka_partition"),
        "reason": F.col("refusal.reason"),
        "late": F.when(F.col("refusal").isNull(), _name_lateness(F.datediff("received_day", "event_day"))),
    }
    return parsed.groupBy(*(column.alias(name) for name, column in keys.items())).agg(
        F.count("*").alias("count"), F.min("kafka_offset").alias("first"), F.max("kafka_offset").alias("last")
    )


def _name_lateness(days: Column) -> Column:
    return reduce(lambda rest, bucket: F.when(days <= bucket[0], bucket[1]).otherwise(rest), reversed(LATE), F.lit(LATER))


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
