"""How far each data set was sent to Kafka: a record in a compacted topic, written in the same transaction as the events, so
the two cannot disagree.
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
from source_server.produce.kafka import Patience, is_temporary

#: All records go to one partition, however many the topic has.
PLACE = (POSITIONS.name, 0)


@dataclass(frozen=True, slots=True)
class DatasetPosition:
    """Where to continue: the source's cursor, the number of rows before it, and how many of these were too large for Kafka."""

    dataset: str
    cursor: str | None = None
    rows: int = 0
    refused: int = 0


def make_position_record(position: DatasetPosition) -> bytes:
    return orjson.dumps(asdict(position))


def read_position(settings: Settings, content_id: str, patience: Patience) -> DatasetPosition | None:
    """The latest committed position of a data set."""
    return read_positions(settings, patience).get(content_id)


def read_positions(settings: Settings, patience: Patience) -> dict[str, DatasetPosition]:
    """The latest committed position of every data set, by content id.

    An open transaction hides later commits, so this reads until the real end of the topic.
    """
    end = patience.until_done(partial(_read_end, settings))
    records: dict[str, bytes] = {}
    with _open_consumer(settings) as consumer:
        while True:
            message = consumer.poll(0.5)
            patience.check()
            if message is None:
                continue
            error = message.error()
            if error is None:
                records[(message.key() or b"").decode()] = message.value() or b""
            elif error.code() == KafkaError._PARTITION_EOF:
                if (message.offset() or 0) >= end:
                    return {content: DatasetPosition(**orjson.loads(value)) for content, value in records.items() if value}
            elif not is_temporary(error):
                raise KafkaException(error)


def _read_end(settings: Settings, seconds: float) -> int:
    """The end of the topic, open transactions included."""
    place = TopicPartition(*PLACE)
    latest = {place: OffsetSpec.latest()}  # type: ignore[no-untyped-call]
    admin = AdminClient(client_config(settings))  # keep a reference: without the client the answer never comes
    answers = admin.list_offsets(latest, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=seconds)
    return int(answers[place].result().offset)


def _open_consumer(settings: Settings) -> Consumer:
    config = {
        "group.id": "source.positions",  # the client requires one; nothing is committed under it
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
    consumer = Consumer(client_config(settings) | config)
    consumer.assign([TopicPartition(*PLACE, 0)])
    return consumer
