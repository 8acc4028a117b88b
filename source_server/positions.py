"""How far each data set has been carried into Kafka: a record in a compacted topic, written in the same transaction as
the events it speaks of, so that the two cannot disagree.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

import orjson
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from cdp.events.topics import POSITIONS
from cdp.kafka import client_config
from cdp.settings import Settings
from source_server.kafka import Patience, is_passing

#: All records lie in one partition, whoever made the topic.
PLACE = (POSITIONS.name, 0)


@dataclass(frozen=True, slots=True)
class Position:
    """Where to go on: the cursor of the source, how many rows lie before it, and how many of these Kafka did not take."""

    dataset: str
    cursor: str | None = None
    rows: int = 0
    refused: int = 0


def position_record(position: Position) -> bytes:
    return orjson.dumps(asdict(position))


def read_position(settings: Settings, content_id: str, patience: Patience) -> Position | None:
    """The latest committed position of a data set."""
    return read_positions(settings, patience).get(content_id)


def read_positions(settings: Settings, patience: Patience) -> dict[str, Position]:
    """The latest committed position of every data set, by content.

    An open transaction hides what was committed after it; so this reads on until nothing is hidden.
    """
    end = patience.until_done(partial(_end, settings))
    found: dict[str, bytes] = {}
    with _consumer(settings) as consumer:
        while True:
            message = consumer.poll(0.5)
            patience.check()
            if message is None:
                continue
            error = message.error()
            if error is None:
                found[(message.key() or b"").decode()] = message.value() or b""
            elif error.code() == KafkaError._PARTITION_EOF:
                if (message.offset() or 0) >= end:
                    return {content: Position(**orjson.loads(value)) for content, value in found.items() if value}
            elif not is_passing(error):
                raise KafkaException(error)


def _end(settings: Settings, seconds: float) -> int:
    """The end of the topic, open transactions included."""
    place = TopicPartition(*PLACE)
    latest = {place: OffsetSpec.latest()}  # type: ignore[no-untyped-call]
    admin = AdminClient(client_config(settings))  # held by name: the answer never comes once the client is gone
    asked = admin.list_offsets(latest, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=seconds)
    return int(asked[place].result().offset)


def _consumer(settings: Settings) -> Consumer:
    own = {
        "group.id": "source.positions",  # asked for by the client; nothing is committed under it
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
    consumer = Consumer(client_config(settings) | own)
    consumer.assign([TopicPartition(*PLACE, 0)])
    return consumer
