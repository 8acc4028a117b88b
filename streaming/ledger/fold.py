"""Folds the ledger of past days: the batches of one day become one batch with the offsets and the sums of all.

A batch every 15 seconds would be two million rows a year. The ledger still proves the same: which offsets each stream has
read, without a gap, and what became of the messages of each hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_batch

from cdp.mart.daily import STREAM_BATCH, STREAM_LEDGER
from streaming.account import merge_hours
from streaming.checkpoint import OffsetRange, Offsets, ranges_between
from streaming.ledger.rows import (
    INSERT_HOUR,
    Batch,
    PartitionRead,
    make_hour_row,
    make_offsets_json,
    parse_batch_row,
    parse_hour_row,
)

#: Days that a batch keeps its own row. Kafka's default retention is shorter, so all retained messages can still be recounted.
DAYS_BY_BATCH = 8
#: Key of an advisory lock; nothing else in this database may use it.
FOLD_LOCK = 7_301_003
#: Leaves out the last batch of a stream: Spark may deliver it again, and then its number must be in the ledger.
_DAYS = f"""
    SELECT stream, min(batch), max(batch), count(*) FROM {STREAM_BATCH.full_name}
    JOIN (SELECT stream, max(batch) AS newest FROM {STREAM_BATCH.full_name} GROUP BY stream) streams USING (stream)
    WHERE written_at < %s AND batch < newest
    GROUP BY stream, (written_at AT TIME ZONE 'UTC')::date HAVING count(*) > 1 ORDER BY 1, 2"""
_OF_DAY = "WHERE stream = %s AND batch BETWEEN %s AND %s"
_BATCHES = f"SELECT stream, batch, topic, topic_id, offsets, milliseconds FROM {STREAM_BATCH.full_name} {_OF_DAY} ORDER BY batch"
_HOURS = f"""
    SELECT topic, hour, received, good, quarantined, reasons, late, partitions FROM {STREAM_LEDGER.full_name} {_OF_DAY}"""
_KEEP_ONE = f"""
    UPDATE {STREAM_BATCH.full_name} SET offsets = %s, (received, milliseconds) =
        (SELECT sum(received), sum(milliseconds) FROM {STREAM_BATCH.full_name} {_OF_DAY})
    WHERE stream = %s AND batch = %s"""


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """The batches of a stream that were written on one day: their first and last number and their count."""

    stream: str
    first: int
    last: int
    rows: int


def fold(connection: Connection, today: date) -> None:
    """Fold each past day in its own transaction."""
    for day in _read_past_days(connection, today - timedelta(days=DAYS_BY_BATCH)):
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLD_LOCK])
            ((locked,),) = cursor.fetchall()
            if locked:
                _fold_day(cursor, day)


def _read_past_days(connection: Connection, until: date) -> list[LedgerDay]:
    with connection, connection.cursor() as cursor:
        cursor.execute(_DAYS, [f"{until} 00:00Z"])
        return [LedgerDay(*row) for row in cursor.fetchall()]


def _fold_day(cursor: Cursor, day: LedgerDay) -> None:
    bounds = (day.stream, day.first, day.last)
    cursor.execute(_BATCHES, bounds)
    batches = [parse_batch_row(*row) for row in cursor.fetchall()]
    if len(batches) != day.rows or not is_contiguous(batches):
        return  # keep the rows as evidence of what is wrong
    cursor.execute(_HOURS, bounds)
    hours = merge_hours(parse_hour_row(*row) for row in cursor.fetchall())
    cursor.execute(f"DELETE FROM {STREAM_LEDGER.full_name} {_OF_DAY}", bounds)
    execute_batch(cursor, INSERT_HOUR, [make_hour_row(day.stream, day.first, hour) for hour in hours])
    cursor.execute(_KEEP_ONE, [make_offsets_json(merge_reads(batches)), *bounds, day.stream, day.first])
    cursor.execute(f"DELETE FROM {STREAM_BATCH.full_name} {_OF_DAY}", [day.stream, day.first + 1, day.last])


def is_contiguous(batches: Sequence[Batch]) -> bool:
    """Whether no batch is missing and each starts where the previous one ended."""
    return all(
        before.number + 1 == after.number
        and before.topic_id == after.topic_id
        and before.partitions.keys() <= after.partitions.keys()
        and {number: read.offsets for number, read in after.partitions.items()} == ranges_between(_ends(before), _ends(after))
        for before, after in pairwise(batches)
    )


def _ends(batch: Batch) -> Offsets:
    return {number: read.offsets.end for number, read in batch.partitions.items()}


def merge_reads(batches: Sequence[Batch]) -> dict[int, PartitionRead]:
    """What contiguous batches read of each partition together."""
    merged: dict[int, PartitionRead] = {}
    for batch in batches:
        for number, read in batch.partitions.items():
            before = merged.get(number, PartitionRead(OffsetRange(read.offsets.start, read.offsets.start), 0))
            merged[number] = PartitionRead(OffsetRange(before.offsets.start, read.offsets.end), before.count + read.count)
    return merged
