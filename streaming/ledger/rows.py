"""The rows of the ledger: as a batch writes them into Postgres, and as they are read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg2.extras import Json

from cdp.table import Table
from cdp.warehouse import STREAM_BATCH, STREAM_LEDGER
from streaming.account import Account, Counts, Hour, Messages
from streaming.checkpoint import Span


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch took of one partition: a range of offsets, and how many messages were in it."""

    span: Span
    count: int


@dataclass(frozen=True, slots=True)
class Batch:
    stream: str
    number: int
    topic: str
    topic_id: str
    taken: Mapping[int, Taken]
    milliseconds: int


def _insert(table: Table, **given: str) -> str:
    """What a batch wrote down before it was cut off stays."""
    values = ", ".join(given.get(name, "%s") for name in table.column_names)
    return f"INSERT INTO {table.full_name} ({', '.join(table.column_names)}) VALUES ({values}) ON CONFLICT DO NOTHING"


INSERT_HOUR = _insert(STREAM_LEDGER)
INSERT_BATCH = _insert(STREAM_BATCH, written_at="now()")


def hour_row(stream: str, batch: int, hour: Hour) -> tuple[Any, ...]:
    partitions = {str(number): asdict(messages) for number, messages in sorted(hour.partitions.items())}
    counts = (hour.counts.received, hour.counts.good, hour.counts.quarantined)
    return stream, batch, hour.topic, hour.hour, *counts, Json(hour.reasons), Json(hour.late), Json(partitions)


def batch_row(batch: Batch, written: Account) -> tuple[Any, ...]:
    received = written.counts.received
    return batch.stream, batch.number, batch.topic, batch.topic_id, received, offsets_json(batch.taken), batch.milliseconds


def offsets_json(taken: Mapping[int, Taken]) -> Json:
    return Json(
        {
            str(number): {"from": each.span.start, "until": each.span.end, "count": each.count}
            for number, each in sorted(taken.items())
        }
    )


def batch_of(
    stream: str, number: int, topic: str, topic_id: str, offsets: Mapping[str, Mapping[str, int]], milliseconds: int
) -> Batch:
    taken = {int(partition): Taken(Span(each["from"], each["until"]), each["count"]) for partition, each in offsets.items()}
    return Batch(stream, number, topic, topic_id, taken, milliseconds)


def hour_of(
    topic: str,
    hour: datetime,
    received: int,
    good: int,
    quarantined: int,
    reasons: Mapping[str, int],
    late: Mapping[str, int],
    partitions: Mapping[str, Mapping[str, int]],
) -> Hour:
    messages = {int(number): Messages(**each) for number, each in partitions.items()}
    return Hour(topic, hour, Counts(received, good, quarantined), reasons, late, messages)
