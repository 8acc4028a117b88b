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
from streaming.checkpoint import Span
from streaming.ledger.rows import INSERT_HOUR, Taken, hour_of, hour_row, offsets_json, taken_of

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
_BATCHES = f"SELECT batch, topic_id, offsets FROM {STREAM_BATCH.full_name} {_OF_DAY} ORDER BY batch"
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a batch has read."""

    batch: int
    topic_id: str
    taken: dict[int, Taken]


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
    stretches = [Stretch(batch, topic_id, taken_of(offsets)) for batch, topic_id, offsets in cursor.fetchall()]
    if len(stretches) != day.rows or not seamless(stretches):
        return  # what is wrong with it stays to be seen
    cursor.execute(_HOURS, bounds)
    hours = joined(hour_of(*row) for row in cursor.fetchall())
    cursor.execute(f"DELETE FROM {STREAM_LEDGER.full_name} {_OF_DAY}", bounds)
    execute_batch(cursor, INSERT_HOUR, [hour_row(day.stream, day.first, hour) for hour in hours])
    cursor.execute(_KEEP_ONE, [offsets_json(taken_by(stretches)), *bounds, day.stream, day.first])
    cursor.execute(f"DELETE FROM {STREAM_BATCH.full_name} {_OF_DAY}", [day.stream, day.first + 1, day.last])


def seamless(stretches: Sequence[Stretch]) -> bool:
    """Whether no batch is missing, and each began where the one before ended; a new partition from its beginning."""
    return all(
        before.batch + 1 == after.batch
        and before.topic_id == after.topic_id
        and before.taken.keys() <= after.taken.keys()
        and all(
            taken.span.start == (before.taken[number].span.end if number in before.taken else 0)
            for number, taken in after.taken.items()
        )
        for before, after in pairwise(stretches)
    )


def taken_by(stretches: Sequence[Stretch]) -> dict[int, Taken]:
    """By all of them together."""
    whole: dict[int, Taken] = {}
    for stretch in stretches:
        for number, taken in stretch.taken.items():
            before = whole.get(number, Taken(Span(taken.span.start, taken.span.start), 0))
            whole[number] = Taken(Span(before.span.start, taken.span.end), before.count + taken.count)
    return whole
