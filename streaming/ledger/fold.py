"""The ledger of days that are over: the batches of one day become one, with the offsets and the sums of all.

A batch every 15 seconds is two million rows a year. What the ledger proves stays as it was: from where to where each stream has
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

from cdp.warehouse import STREAM_BATCH, STREAM_LEDGER
from streaming.account import joined
from streaming.checkpoint import Offsets, Span, spans
from streaming.ledger.rows import INSERT_HOUR, Batch, Taken, batch_of, hour_of, hour_row, offsets_json

#: So long a batch has a row of its own: Kafka by default keeps its messages for less, and they can be counted again.
DAYS_BY_BATCH = 8
#: Any number, as long as nobody else in this database takes it.
FOLD_LOCK = 7_301_003
#: Without the last batch of a stream: it may come again, and must then be known by its number.
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
class Day:
    """The batches of a stream that were written on one day."""

    stream: str
    first: int
    last: int
    rows: int


def fold(connection: Connection, today: date) -> None:
    """A day a transaction."""
    for day in _days_over(connection, today - timedelta(days=DAYS_BY_BATCH)):
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLD_LOCK])
            ((alone,),) = cursor.fetchall()
            if alone:
                _fold_day(cursor, day)


def _days_over(connection: Connection, until: date) -> list[Day]:
    with connection, connection.cursor() as cursor:
        cursor.execute(_DAYS, [f"{until} 00:00Z"])
        return [Day(*row) for row in cursor.fetchall()]


def _fold_day(cursor: Cursor, day: Day) -> None:
    bounds = (day.stream, day.first, day.last)
    cursor.execute(_BATCHES, bounds)
    batches = [batch_of(*row) for row in cursor.fetchall()]
    if len(batches) != day.rows or not seamless(batches):
        return  # what is wrong with it stays to be seen
    cursor.execute(_HOURS, bounds)
    hours = joined(hour_of(*row) for row in cursor.fetchall())
    cursor.execute(f"DELETE FROM {STREAM_LEDGER.full_name} {_OF_DAY}", bounds)
    execute_batch(cursor, INSERT_HOUR, [hour_row(day.stream, day.first, hour) for hour in hours])
    cursor.execute(_KEEP_ONE, [offsets_json(taken_by(batches)), *bounds, day.stream, day.first])
    cursor.execute(f"DELETE FROM {STREAM_BATCH.full_name} {_OF_DAY}", [day.stream, day.first + 1, day.last])


def seamless(batches: Sequence[Batch]) -> bool:
    """Whether no batch is missing, and each began where the one before ended."""
    return all(
        before.number + 1 == after.number
        and before.topic_id == after.topic_id
        and before.taken.keys() <= after.taken.keys()
        and {number: taken.span for number, taken in after.taken.items()} == spans(_ends(before), _ends(after))
        for before, after in pairwise(batches)
    )


def _ends(batch: Batch) -> Offsets:
    return {number: taken.span.end for number, taken in batch.taken.items()}


def taken_by(batches: Sequence[Batch]) -> dict[int, Taken]:
    """By all of them together."""
    whole: dict[int, Taken] = {}
    for batch in batches:
        for number, taken in batch.taken.items():
            before = whole.get(number, Taken(Span(taken.span.start, taken.span.start), 0))
            whole[number] = Taken(Span(before.span.start, taken.span.end), before.count + taken.count)
    return whole
