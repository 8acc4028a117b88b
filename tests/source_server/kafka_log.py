"""Reads the records in Kafka, committed or all, for the tests that use a real broker.

These tests write to their own topic: events.raw of the test stack belongs to the tests of the stream.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from cdp.events import Topic
from cdp.kafka import client_config
from cdp.settings import Settings

TOPIC = Topic("test.events", "user_id", "what the tests of the producer send", spread=True)


def events_file(path: Path, count: int) -> Path:
    """Rows of all kinds: returning customers, null keys, a broken line, one row twice."""
    rows: list[bytes] = []
    for number in range(count):
        row: dict[str, Any] = {
            "event_time": "2019-10-01 00:00:00 UTC",
            "event_type": "view",
            "product_id": str(number),
            "price": "9.50",
            "user_id": f"u{number % 97}",
            "brand": path.stem,
        }
        rows.append(orjson.dumps(row | ({"user_id": None} if number % 50 == 0 else {})))
    rows[count // 2] = rows[1]
    rows[count // 3] = f'{{"cut":"{path.stem}'.encode()
    path.write_bytes(b"\n".join(rows))
    return path


def messages(settings: Settings, *, of: str, committed: bool = True) -> list[Message]:
    """The records of the topic that contain the name of a data set."""
    isolation = "read_committed" if committed else "read_uncommitted"
    config = {"group.id": "test", "enable.auto.commit": False, "isolation.level": isolation, "enable.partition.eof": True}
    with Consumer(client_config(settings) | config) as consumer:
        consumer.assign([TopicPartition(TOPIC.name, number, 0) for number in range(settings.kafka_partitions)])
        ended: set[int | None] = set()
        records = []
        while len(ended) < settings.kafka_partitions:
            for message in consumer.consume(1000, timeout=0.3):
                error = message.error()
                if error is not None:
                    assert error.code() == KafkaError._PARTITION_EOF, error.str()
                    ended.add(message.partition())
                elif of.encode() in (message.value() or b""):
                    records.append(message)
    return records


def lines_of_kafka(settings: Settings, *, of: str, committed: bool = True) -> Counter[bytes]:
    return Counter(message.value() or b"" for message in messages(settings, of=of, committed=committed))
