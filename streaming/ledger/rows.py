"""The rows that a batch writes into the ledger, as values for Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2.extras import Json

from cdp.mart.daily import STREAM_BATCH, STREAM_LEDGER
from cdp.mart.table import Table
from streaming.events.account import BatchAccount, Hour
from streaming.messages import OffsetRange


@dataclass(frozen=True, slots=True)
class PartitionRead:
    """What a batch read of one partition: a range of offsets, and the number of messages in it."""

    offsets: OffsetRange
    count: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch read: the id of each topic, and each partition."""

    stream: str
    number: int
    topic_ids: Mapping[str, str]
    reads: Sequence[PartitionRead]
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


def make_batch_row(batch: Batch, account: BatchAccount) -> tuple[Any, ...]:
    """The table has one row for a batch, so a second topic would be left out without an error."""
    if len(batch.topic_ids) != 1:
        raise ValueError(f"{STREAM_BATCH.full_name} takes batches of one topic, not of {sorted(batch.topic_ids)}.")
    ((topic, topic_id),) = batch.topic_ids.items()
    offsets = {
        str(read.offsets.partition): {"from": read.offsets.start, "until": read.offsets.end, "count": read.count}
        for read in sorted(batch.reads, key=lambda read: read.offsets.key)
    }
    return batch.stream, batch.number, topic, topic_id, account.counts.received, Json(offsets), batch.milliseconds
