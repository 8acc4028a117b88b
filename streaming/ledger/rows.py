"""Converts ledger rows: from a batch into the values of Postgres, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg2.extras import Json

from cdp.mart.daily import STREAM_BATCH, STREAM_LEDGER
from cdp.mart.table import Table
from streaming.account import Account, Counts, Hour, PartitionMessages
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
    received, offsets = account.counts.received, make_offsets_json(batch.partitions)
    return batch.stream, batch.number, batch.topic, batch.topic_id, received, offsets, batch.milliseconds


def make_offsets_json(partitions: Mapping[int, PartitionRead]) -> Json:
    return Json(
        {
            str(number): {"from": read.offsets.start, "until": read.offsets.end, "count": read.count}
            for number, read in sorted(partitions.items())
        }
    )


def parse_batch_row(
    stream: str, number: int, topic: str, topic_id: str, offsets: Mapping[str, Mapping[str, int]], milliseconds: int
) -> Batch:
    partitions = {
        int(partition): PartitionRead(OffsetRange(each["from"], each["until"]), each["count"])
        for partition, each in offsets.items()
    }
    return Batch(stream, number, topic, topic_id, partitions, milliseconds)


def parse_hour_row(
    topic: str,
    hour: datetime,
    received: int,
    good: int,
    quarantined: int,
    reasons: Mapping[str, int],
    late: Mapping[str, int],
    partitions: Mapping[str, Mapping[str, int]],
) -> Hour:
    messages = {int(number): PartitionMessages(**each) for number, each in partitions.items()}
    return Hour(topic, hour, Counts(received, good, quarantined), reasons, late, messages)
