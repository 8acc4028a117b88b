"""Values: where messages are in Kafka, how far a stream has read, and how many messages it took. Imports nothing of streaming."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class PartitionKey(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


#: An offset in each partition.
Offsets = Mapping[PartitionKey, int]


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """The offsets of one partition from `start` up to, but not including, `end`."""

    topic: str
    partition: int
    start: int
    end: int

    @property
    def key(self) -> PartitionKey:
        return PartitionKey(self.topic, self.partition)

    @property
    def count(self) -> int:
        """The number of offsets. Some may be marks of transactions, not messages."""
        return self.end - self.start

    def __str__(self) -> str:
        return f"partition {self.partition}, offsets {self.start:,} until {self.end:,}"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and what Kafka has of each partition. A topic that is deleted and created again gets a new id.

    Messages of an open transaction, which a reader of committed messages can't see yet, come after a range's end.
    """

    name: str
    id: str
    partitions: Mapping[int, OffsetRange]


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The offsets up to which topics were read, and the id that each topic had. Ids that were not recorded are left out."""

    topic_ids: Mapping[str, str]
    offsets: Offsets

    def in_topic(self, topic: str) -> Mapping[int, int]:
        """Partition -> offset, in the order of the partitions."""
        return {key.partition: offset for key, offset in sorted(self.offsets.items()) if key.topic == topic}


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
