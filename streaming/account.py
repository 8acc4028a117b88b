"""What became of the messages of a batch, by topic and hour of receipt: one aggregation in Spark, the sums in plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

#: Days from an event to its receipt: the last one that a bucket takes, and what it is called. An event of tomorrow is not late.
LATE = ((0, "0"), (1, "1"), (7, "2-7"), (30, "8-30"))
LATER = "31+"


@dataclass(frozen=True, slots=True)
class Counts:
    """received = good + quarantined, always."""

    received: int = 0
    good: int = 0
    quarantined: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.received + other.received, self.good + other.good, self.quarantined + other.quarantined)

    def __str__(self) -> str:
        return f"received {self.received:,}, good {self.good:,}, quarantined {self.quarantined:,}"


@dataclass(frozen=True, slots=True)
class Group:
    """Messages of one hour and partition that fared alike: good and late so much, or refused for a reason."""

    topic: str
    hour: datetime
    partition: int
    reason: str | None
    late: str | None
    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Messages:
    """Those of one partition: offsets of the first and the last, and how many; there may be none between two offsets."""

    first: int
    last: int
    count: int

    def __add__(self, other: Messages) -> Messages:
        return Messages(min(self.first, other.first), max(self.last, other.last), self.count + other.count)


@dataclass(frozen=True, slots=True)
class Hour:
    """One row of the ledger, without the batch."""

    topic: str
    hour: datetime
    counts: Counts
    reasons: Mapping[str, int]
    late: Mapping[str, int]
    partitions: Mapping[int, Messages]

    def __add__(self, other: Hour) -> Hour:
        """The same hour: of other messages, or of another batch."""
        partitions = dict(self.partitions)
        for number, messages in other.partitions.items():
            partitions[number] = partitions[number] + messages if number in partitions else messages
        reasons, late = (Counter(mine) + Counter(its) for mine, its in ((self.reasons, other.reasons), (self.late, other.late)))
        return Hour(self.topic, self.hour, self.counts + other.counts, dict(reasons), dict(late), partitions)


@dataclass(frozen=True, slots=True)
class Account:
    """All of a batch; its hours in order."""

    hours: tuple[Hour, ...]

    @property
    def counts(self) -> Counts:
        return sum((hour.counts for hour in self.hours), Counts())

    def in_partition(self, partition: int) -> int:
        return sum(hour.partitions[partition].count for hour in self.hours if partition in hour.partitions)


def grouped(parsed: DataFrame) -> DataFrame:
    """The columns of a Group. Few rows: hours, partitions and reasons are few."""
    keys = {
        "topic": F.col("kafka_topic"),
        "hour": F.date_trunc("hour", "received_at"),
        "partition": F.col("kafka_partition"),
        "reason": F.col("refusal.reason"),
        "late": F.when(F.col("refusal").isNull(), _late(F.datediff("received_day", "event_day"))),
    }
    return parsed.groupBy(*(column.alias(name) for name, column in keys.items())).agg(
        F.count("*").alias("count"), F.min("kafka_offset").alias("first"), F.max("kafka_offset").alias("last")
    )


def _late(days: Column) -> Column:
    return reduce(lambda rest, bucket: F.when(days <= bucket[0], bucket[1]).otherwise(rest), reversed(LATE), F.lit(LATER))


def account(groups: Iterable[Group]) -> Account:
    return Account(joined(map(_hour, groups)))


def _hour(group: Group) -> Hour:
    reasons = {group.reason: group.count} if group.reason is not None else {}
    late = {group.late: group.count} if group.late is not None else {}
    counts = Counts(group.count, sum(late.values()), sum(reasons.values()))
    partitions = {group.partition: Messages(group.first, group.last, group.count)}
    return Hour(group.topic, group.hour, counts, reasons, late, partitions)


def joined(hours: Iterable[Hour]) -> tuple[Hour, ...]:
    """One of each topic and hour, in order."""

    def key(hour: Hour) -> tuple[str, datetime]:
        return hour.topic, hour.hour

    return tuple(reduce(Hour.__add__, alike) for _, alike in groupby(sorted(hours, key=key), key))
