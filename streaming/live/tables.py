"""Adds the new events of a batch to the tables of the schema `live`, within the caller's transaction.

The transaction also moves the offsets in `live.progress`. A message before them is not counted a second time, whether Spark
delivers a batch again or a new checkpoint reads the topic from its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from io import BytesIO

import pyarrow as pa
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json
from pyarrow import csv

from cdp.interests import STRENGTHS
from cdp.mart.live import CUSTOMER_MINUTE, INTEREST_MINUTE, MINUTE, ORDER, PRODUCT_MINUTE, PROGRESS
from cdp.mart.table import Table
from cdp.programs import LIVE_STREAM
from streaming.live.account import COUNT_NAMES, LiveBatch

#: How long rows are kept, by the time of the newest event. A row a minute is kept for good.
KEPT = (
    (PRODUCT_MINUTE, "minute", timedelta(days=2)),
    (CUSTOMER_MINUTE, "minute", timedelta(hours=3)),
    (INTEREST_MINUTE, "minute", timedelta(hours=3)),
    (ORDER, "ordered_at", timedelta(days=31)),
)
DELETE_EVERY = timedelta(minutes=10)

#: Columns of a table, each with SQL over the events of a batch.
Columns = Mapping[str, str]
_EVENTS = "live_events"
_TEXTS = ("user_id", "event_type", "product_id", "category_code", "brand", "order_id")
_COLUMNS = {**dict.fromkeys(_TEXTS, "text"), "event_time": "timestamptz", "quantity": "integer", "revenue": "numeric"}
_CREATE_EVENTS = f"""
    CREATE TEMP TABLE IF NOT EXISTS {_EVENTS} (
        {", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())},
        minute timestamptz GENERATED ALWAYS AS (date_bin('1 minute', event_time, 'epoch')) STORED
    ) ON COMMIT DELETE ROWS"""
_COPY_EVENTS = f"COPY {_EVENTS} ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT csv)"

_COUNTS: Columns = {
    "views": "count(*) FILTER (WHERE event_type = 'view')",
    "carts": "count(*) FILTER (WHERE event_type = 'cart')",
    "removals": "count(*) FILTER (WHERE event_type = 'remove_from_cart')",
    "purchases": "count(*) FILTER (WHERE event_type = 'purchase')",
    "units": "coalesce(sum(quantity) FILTER (WHERE event_type = 'purchase'), 0)",
    "gross": "coalesce(sum(revenue) FILTER (WHERE event_type = 'purchase'), 0)",
    "refunds": "coalesce(-sum(revenue) FILTER (WHERE event_type = 'refund'), 0)",
}
_STRENGTH = " + ".join(f"{strength} * (event_type = '{kind}')::int" for kind, strength in STRENGTHS.items())
_PRODUCT: Columns = {"product_id": "product_id", "category_code": "coalesce(category_code, '')", "brand": "coalesce(brand, '')"}
_CUSTOMER: Columns = {"customer_id": "user_id"}


def _add(table: Table, keys: Columns, sums: Columns) -> str:
    """Add the sums of the batch to the table's rows."""
    columns = {"minute": "minute", **keys, **sums}
    return f"""
        INSERT INTO {table.full_name} AS kept ({", ".join(columns)})
        SELECT {", ".join(columns.values())} FROM {_EVENTS} GROUP BY {", ".join(map(str, range(1, len(keys) + 2)))}
        ON CONFLICT ({", ".join(table.key)}) DO UPDATE
        SET {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in sums)}"""


_ADD_ORDERS = f"""
    INSERT INTO {ORDER.full_name} AS kept (order_id, customer_id, ordered_at, lines, units, amount, products, written_at)
    SELECT order_id, user_id, min(event_time), count(*), sum(quantity), sum(revenue),
        jsonb_agg(DISTINCT product_id ORDER BY product_id), clock_timestamp()
    FROM {_EVENTS} WHERE event_type = 'purchase' GROUP BY 1, 2
    ON CONFLICT (order_id, customer_id) DO UPDATE SET
        ordered_at = least(kept.ordered_at, excluded.ordered_at), lines = kept.lines + excluded.lines,
        units = kept.units + excluded.units, amount = kept.amount + excluded.amount, written_at = excluded.written_at,
        products = (SELECT jsonb_agg(DISTINCT product ORDER BY product)
                    FROM jsonb_array_elements(kept.products || excluded.products) AS products (product))"""
#: An order counts in the minute of its first event. If an earlier event comes later, the order moves to that minute.
_LIST_ORDER_MINUTES = f"""
    SELECT minute FROM {_EVENTS} WHERE event_type = 'purchase'
    UNION SELECT date_bin('1 minute', ordered_at, 'epoch') FROM {ORDER.full_name}
    WHERE (order_id, customer_id) IN (SELECT order_id, user_id FROM {_EVENTS} WHERE event_type = 'purchase')"""
_COUNT_ORDERS = f"""
    UPDATE {MINUTE.full_name} AS minutes SET orders = (
        SELECT count(*) FROM {ORDER.full_name}
        WHERE ordered_at >= minutes.minute AND ordered_at < minutes.minute + interval '1 minute')
    WHERE minute = ANY(%s)"""
_ADD_SUMS = (
    _add(MINUTE, {}, {"orders": "0", **_COUNTS}),
    _add(PRODUCT_MINUTE, _PRODUCT, _COUNTS),
    _add(CUSTOMER_MINUTE, _CUSTOMER, _COUNTS),
    _add(INTEREST_MINUTE, {**_CUSTOMER, **_PRODUCT}, {"strength": f"sum({_STRENGTH})"}),
)

_READ_POSITION = f"SELECT topic_id, offsets, newest_event FROM {PROGRESS.full_name} WHERE stream = %s"
_SET = ("batch", "topic_id", "offsets", "written_at")
_WRITE_PROGRESS = f"""
    INSERT INTO {PROGRESS.full_name} AS kept (stream, {", ".join(_SET)}, newest_event, {", ".join(COUNT_NAMES)})
    VALUES (%s, %s, %s, %s, clock_timestamp(), %s, {", ".join("%s" for _ in COUNT_NAMES)})
    ON CONFLICT (stream) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _SET)},
        newest_event = greatest(kept.newest_event, excluded.newest_event),
        {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in COUNT_NAMES)}"""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the tables have come: Kafka's id of the topic, by partition the offset of the first message that is not counted
    yet, and the time of the newest event."""

    topic_id: str
    offsets: Mapping[int, int]
    newest: datetime | None


def read_position(cursor: Cursor) -> Position | None:
    """None before the first batch."""
    cursor.execute(_READ_POSITION, [LIVE_STREAM])
    row = cursor.fetchone()
    return Position(row[0], {int(number): offset for number, offset in row[1].items()}, row[2]) if row else None


def add_events(cursor: Cursor, events: pa.Table) -> None:
    cursor.execute(_CREATE_EVENTS)
    cursor.copy_expert(_COPY_EVENTS, _encode(events.select([*_COLUMNS])))
    cursor.execute(_LIST_ORDER_MINUTES)
    minutes = [minute for (minute,) in cursor.fetchall()]
    for statement in _ADD_SUMS:
        cursor.execute(statement)
    if minutes:
        cursor.execute(_ADD_ORDERS)
        cursor.execute(_COUNT_ORDERS, [minutes])


def _encode(rows: pa.Table) -> BytesIO:
    """As CSV: a missing value is empty, and every text is in quotes."""
    file = BytesIO()
    csv.write_csv(rows, file, csv.WriteOptions(include_header=False))
    file.seek(0)
    return file


def write_progress(cursor: Cursor, number: int, topic_id: str, offsets: Mapping[int, int], batch: LiveBatch) -> None:
    values: Sequence[object] = (LIVE_STREAM, number, topic_id, Json(offsets), batch.newest, *astuple(batch.counts))
    cursor.execute(_WRITE_PROGRESS, values)


def list_minutes(cursor: Cursor, since: datetime) -> list[datetime]:
    """The minutes with an event."""
    cursor.execute(f"SELECT minute FROM {MINUTE.full_name} WHERE minute >= %s", [since])
    return [minute for (minute,) in cursor.fetchall()]


def delete_old_rows(cursor: Cursor, before: datetime | None, newest: datetime | None) -> None:
    """Delete when the newest event enters another span of ten minutes. `before` is what it was until this batch."""
    if before and newest and _number_span(newest) > _number_span(before):
        for table, column, kept in KEPT:
            cursor.execute(f"DELETE FROM {table.full_name} WHERE {column} < %s", [newest - kept])


def _number_span(time: datetime) -> int:
    return int(time.timestamp() // DELETE_EVERY.total_seconds())
