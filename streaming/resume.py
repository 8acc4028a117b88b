"""Whether a stream can resume: compares its position with what Kafka has now. Pure functions, and the remedy in words.

Spark would resume in a recreated topic as if the offsets still meant the same, and reports a loss without its offsets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cdp.programs import EVENTS_STREAM
from streaming.messages import OffsetRange, StreamPosition, Topic

FROM_EARLIEST_OPTION = "--from-earliest-retained"


class CannotResume(RuntimeError):
    """The stream must not resume without an operator. The message is one line that names the remedy."""


def describe_remedy(query: str) -> str:
    command = "./run stream" if query == EVENTS_STREAM else f"./run stream {query}"
    return f"What to do: docs/operations.md, When the stream stops; then {command} {FROM_EARLIEST_OPTION}"


def require_resumable(position: StreamPosition, topics: Sequence[Topic], query: str) -> None:
    """Raise CannotResume if messages would be skipped or the offsets belong to another topic."""
    for topic in topics:
        if problem := find_problem(position, topic):
            raise CannotResume(f"{problem}. {describe_remedy(query)}")


def find_problem(position: StreamPosition, topic: Topic) -> str | None:
    """Why a stream at this position can't go on in the topic; None if it can."""
    if is_recreated(position, topic):
        return (
            f"the topic {topic.name} was deleted and created again since the last read: its id was"
            f" {position.topic_ids[topic.name]} and is now {topic.id}"
        )
    for number, offset in position.in_topic(topic.name).items():
        retained = topic.partitions.get(number)
        if retained is None:
            return f"the topic {topic.name} no longer has partition {number}; it was read up to offset {offset:,}"
        if offset > retained.end:
            return (
                f"partition {number} of {topic.name} ends at offset {retained.end:,} but was read up to {offset:,}:"
                " it was truncated or created again"
            )
    lost = find_lost_ranges(position, topic)
    return f"messages left Kafka before they were read: {topic.name} {describe_lost(lost)}" if lost else None


def is_recreated(position: StreamPosition, topic: Topic) -> bool:
    """Whether the position was recorded in an earlier topic of the same name."""
    return position.topic_ids.get(topic.name, topic.id) != topic.id


def find_lost_ranges(position: StreamPosition, topic: Topic) -> list[OffsetRange]:
    """The offsets between the position and the first offset that Kafka still has."""
    return [] if is_recreated(position, topic) else [*_iterate_lost_ranges(position, topic)]


def _iterate_lost_ranges(position: StreamPosition, topic: Topic) -> Iterator[OffsetRange]:
    for number, offset in position.in_topic(topic.name).items():
        retained = topic.partitions.get(number)
        if retained is not None and retained.start > offset:
            yield OffsetRange(topic.name, number, offset, retained.start)


def describe_lost(lost: Sequence[OffsetRange]) -> str:
    return "; ".join(map(str, lost))
