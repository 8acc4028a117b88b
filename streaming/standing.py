"""Whether a stream can go on where it is: its position held against what Kafka has there now. Pure, and the remedies in words.

Spark would go on in a topic that was made anew as if offsets meant the same, and says of a loss only that there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streaming.checkpoint import Offsets
from streaming.ledger.sums import Lost
from streaming.topic import Topic

ANEW = "--from-earliest-retained"
REMEDY = f"What to do: docs/operations.md, When the stream stops; then ./run stream {ANEW}"


class Stuck(RuntimeError):
    """The stream can't go on by itself, and must not. The message is one line with the way out."""


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where the topic of that id was taken; an id is not known before the first batch is in the ledger."""

    topic_id: str | None
    offsets: Offsets


def require_standing(position: Position, now: Topic) -> None:
    """Raises Stuck where a message would be passed over, or the offsets are those of another topic."""
    if position.topic_id not in (None, now.id):
        raise Stuck(
            f"the topic {now.name} was deleted and made anew since it was read last: its id was {position.topic_id} and is"
            f" {now.id}. {REMEDY}"
        )
    for number, offset in sorted(position.offsets.items()):
        held = now.partitions.get(number)
        if held is None:
            raise Stuck(f"the topic {now.name} has no partition {number} any more; it was read up to offset {offset:,}. {REMEDY}")
        if offset > held.end:
            raise Stuck(
                f"partition {number} of {now.name} ends at offset {held.end:,}, and was read up to {offset:,}: it was cut off"
                f" or made anew. {REMEDY}"
            )
    if lost := lost_before(position, now):
        raise Stuck(f"messages left Kafka before they were read: {now.name} {told(lost)}. {REMEDY}")


def lost_before(position: Position, now: Topic) -> list[Lost]:
    """What lies between the position and the first offset that Kafka still has."""
    return [*_lost(position, now)] if position.topic_id in (None, now.id) else []


def _lost(position: Position, now: Topic) -> Iterator[Lost]:
    for number, offset in sorted(position.offsets.items()):
        held = now.partitions.get(number)
        if held is not None and held.low > offset:
            yield Lost(number, offset, held.low)


def told(lost: list[Lost]) -> str:
    return "; ".join(f"partition {each.partition}, offsets {each.start:,} until {each.end:,}" for each in lost)
