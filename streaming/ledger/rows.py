"""The rows that a batch writes into the ledger, as values for Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2.extras import Json

from cdp.mart.daily import STREAM_BATCH, STREAM_LEDGER
from cdp.mart.table import Table
from streaming.account import Account, Hour
from streaming.checkpoint import OffsetRange


@dataclass(frozen=True, slots=True)
class PartitionRead:
    """What a batch read of one partition: a range of offsets, and the number of messages in it."""

    offsets: OffsetRange
    count: int


@dataclass(frozen=True, slots=True)
class Batch:
    stream: str
    number: int
    topic: str
    topic_id: str
    partitions: Mapping[int, PartitionRead]
    milliseconds: int


def _make_insert(table: Table, **expressions: str) -> str:
    """The statement leaves rows alone that an interrupted attempt of the batch wrote."""
    values = ", ".join(expressions.get(name, "%s") for name in table.column_names)
    return f"INSERT INTO {table.full_name} ({', '.join(table.column_names)}) VALUES ({values}) ON CONFLICT DO NOTHING"


INSERT_HOUR = _make_insert(STREAM_LEDGER)
INSERT_BATCH = _make_insert(STREAM_BATCH, written_at="now()")


def make_hour_row(stream: str, batch: int, hour: Hour) -> tuple[Any, ...]:
    partitions = {str(number): asdict(messages) for number, messages in sorted(hour.partitions.items())}
    counts = (hour.counts.received, hour.counts.good, hour.counts.quarantined)
    return stream, batch, hour.topic, hour.hour, *counts, Json(hour.reasons), Json(hour.late), Json(partitions)


def make_batch_row(batch: Batch, account: Account) -> tuple[Any, ...]:
    offsets = {
        str(number): {"from": read.offsets.start, "until": read.offsets.end, "count": read.count}
        for number, read in sorted(batch.partitions.items())
    }
    return batch.stream, batch.number, batch.topic, batch.topic_id, account.counts.received, Json(offsets), batch.milliseconds
