"""Whether a stream can resume: compares its position with what Kafka has now. Pure functions, and the remedy in words.

Spark would resume in a recreated topic as if the offsets still meant the same, and reports a loss without its offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streaming.checkpoint import Offsets
from streaming.ledger.sums import LostRange
from streaming.topic import Topic

FROM_EARLIEST_OPTION = "--from-earliest-retained"
REMEDY = f"What to do: docs/operations.md, When the stream stops; then ./run stream {FROM_EARLIEST_OPTION}"


class CannotResume(RuntimeError):
    """The stream must not resume without an operator. The message is one line that names the remedy."""


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The offsets up to which a topic was read. The topic's id is unknown until the first batch is in the ledger."""

    topic_id: str | None
    offsets: Offsets


def require_resumable(position: StreamPosition, kafka_topic: Topic) -> None:
    """Raise CannotResume if messages would be skipped or the offsets belong to another topic."""
    if position.topic_id not in (None, kafka_topic.id):
        raise CannotResume(
            f"the topic {kafka_topic.name} was deleted and created again since the last read: its id was {position.topic_id} and"
            f" is now {kafka_topic.id}. {REMEDY}"
        )
    for number, offset in sorted(position.offsets.items()):
        retained = kafka_topic.partitions.get(number)
        if retained is None:
            raise CannotResume(
                f"the topic {kafka_topic.name} no longer has partition {number}; it was read up to offset {offset:,}. {REMEDY}"
            )
        if offset > retained.end:
            raise CannotResume(
                f"partition {number} of {kafka_topic.name} ends at offset {retained.end:,} but was read up to {offset:,}:"
                f" it was truncated or created again. {REMEDY}"
            )
    if lost := find_lost_ranges(position, kafka_topic):
        raise CannotResume(f"messages left Kafka before they were read: {kafka_topic.name} {describe_lost(lost)}. {REMEDY}")


def find_lost_ranges(position: StreamPosition, kafka_topic: Topic) -> list[LostRange]:
    """The offsets between the position and the first offset that Kafka still has."""
    return [*_iterate_lost_ranges(position, kafka_topic)] if position.topic_id in (None, kafka_topic.id) else []


def _iterate_lost_ranges(position: StreamPosition, kafka_topic: Topic) -> Iterator[LostRange]:
    for number, offset in sorted(position.offsets.items()):
        retained = kafka_topic.partitions.get(number)
        if retained is not None and retained.low > offset:
            yield LostRange(number, offset, retained.low)


def describe_lost(lost: list[LostRange]) -> str:
    return "; ".join(f"partition {each.partition}, offsets {each.start:,} until {each.end:,}" for each in lost)
