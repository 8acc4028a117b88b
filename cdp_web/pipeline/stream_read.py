"""The stream: its last batch, what waits in Kafka after it, and what it received in each of the last hours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from confluent_kafka import IsolationLevel, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from django.db import connection

from cdp.kafka import client_config
from cdp.ledger import count_waiting
from cdp.mart.daily import LAST_BATCHES, STREAM_BATCH, STREAM_LEDGER, parse_next_offsets
from cdp.postgres import TABLE_EXISTS
from cdp.settings import Settings, current

SECONDS = 3
#: Hours of the charts, up to the newest one in which something was received.
HOURS = 48
#: Hours of the charts at least: what was received before the first message is zero.
LEAST_HOURS = 24
#: Most rows of the ledger that a page reads.
MOST_BATCHES = 100_000
_LAST = f"""
    SELECT stream, topic, topic_id, batch, received, milliseconds, written_at, offsets::text
    FROM {LAST_BATCHES} ORDER BY written_at DESC LIMIT 1"""
#: The key begins with the stream and the batch, so only the newest batches are read.
_BY_HOUR = f"""
    SELECT hour, sum(received)::bigint, sum(good)::bigint, sum(quarantined)::bigint
    FROM {STREAM_LEDGER.full_name} WHERE stream = %s AND batch > %s GROUP BY 1 ORDER BY 1 DESC LIMIT {HOURS}"""


@dataclass(frozen=True, slots=True)
class StreamHour:
    """What was received in one hour, by Kafka's clock."""

    hour: datetime
    received: int = 0
    good: int = 0
    quarantined: int = 0


def stream_read(settings: Settings) -> dict[str, Any]:
    """The last batch and the number of offsets that wait; empty before the first batch."""
    last = _read_last_batch()
    if last is None:
        return {}
    _, topic, topic_id, batch, received, milliseconds, written_at, offsets = last
    value = {
        "topic": topic, "batch": batch, "received": received, "milliseconds": milliseconds, "written_at": written_at.isoformat(),
    }  # fmt: skip
    try:
        current_id, retained = read_offsets(settings, topic)
    except KafkaException as error:
        return value | {"waiting": None, "error": error.args[0].str()}
    next_offsets = parse_next_offsets(json.loads(offsets)) if current_id == topic_id else {}
    return value | {"waiting": sum(count_waiting(next_offsets, retained).values())}


def stream_hours_get() -> list[StreamHour]:
    """The last hours in order, empty ones included; nothing if no stream has run."""
    last = _read_last_batch()
    if last is None:
        return []
    batches = min(HOURS * 3600 // current().stream_interval_seconds + 1, MOST_BATCHES)
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, [last[0], last[3] - batches])
        return fill_hours([StreamHour(*row) for row in cursor.fetchall()])


def fill_hours(hours: list[StreamHour], least: int = LEAST_HOURS, most: int = HOURS) -> list[StreamHour]:
    """Every hour up to the newest: from the oldest, but not fewer than `least` nor more than `most`."""
    if not hours:
        return []
    by_hour = {each.hour: each for each in hours}
    newest, oldest = max(by_hour), min(by_hour)
    first = max(min(oldest, newest - timedelta(hours=least - 1)), newest - timedelta(hours=most - 1))
    count = int((newest - first) / timedelta(hours=1)) + 1
    steps = (first + timedelta(hours=step) for step in range(count))
    return [by_hour.get(hour, StreamHour(hour)) for hour in steps]


def read_offsets(settings: Settings, topic: str) -> tuple[str, Mapping[int, tuple[int, int]]]:
    """The topic's id, and the first offset and the end of each partition for a reader of committed messages."""
    admin = AdminClient(client_config(settings))
    description = admin.describe_topics(TopicCollection([topic]), request_timeout=SECONDS)[topic].result(2 * SECONDS)
    partitions = [TopicPartition(topic, partition.id) for partition in description.partitions]

    def list_offsets(spec: Any) -> dict[int, int]:
        futures = admin.list_offsets(
            dict.fromkeys(partitions, spec), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=SECONDS
        )
        return {partition.partition: future.result(2 * SECONDS).offset for partition, future in futures.items()}

    first, end = list_offsets(OffsetSpec.earliest()), list_offsets(OffsetSpec.latest())  # type: ignore[no-untyped-call]
    return str(description.topic_id), {number: (first[number], end[number]) for number in first}


def _read_last_batch() -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [STREAM_BATCH.full_name])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_LAST)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
