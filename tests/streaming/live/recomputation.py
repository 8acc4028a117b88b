"""The live tables a second time: DuckDB over the messages themselves, all at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from cdp.interests import STRENGTHS
from tests.streaming.live.examples import Sent

Rows = list[tuple[Any, ...]]

_FIELDS = {
    **dict.fromkeys(("event_id", "user_id", "event_type", "product_id", "category_code", "brand", "price"), "VARCHAR"),
    **dict.fromkeys(("order_id", "user_session"), "VARCHAR"),
    "event_time": "TIMESTAMPTZ",
    "quantity": "BIGINT",
}
_EVENTS = f"""
    CREATE TABLE events AS
    SELECT e, time_bucket(INTERVAL 1 MINUTE, e.event_time) AS minute, coalesce(e.quantity, 1) AS units,
        e.price::DECIMAL(12, 2) * units AS worth, coalesce(e.order_id, 's:' || e.user_session) AS order_key
    FROM (
        SELECT arg_min(fields, place) AS e
        FROM (SELECT place, received, json_transform(message, '{json.dumps(_FIELDS)}') AS fields FROM sent)
        WHERE try_cast(fields.price AS DECIMAL) IS NOT NULL AND NOT starts_with(fields.event_id, 'late')
            AND received - fields.event_time BETWEEN -INTERVAL 1 MINUTE AND INTERVAL 24 HOUR
        GROUP BY fields.event_id, fields.user_id)"""
_COUNTS = ", ".join(
    f"count(*) FILTER (WHERE e.event_type = '{kind}')" for kind in ("view", "cart", "remove_from_cart", "purchase")
)
_SUMS = f"""{_COUNTS}, coalesce(sum(units) FILTER (WHERE e.event_type = 'purchase'), 0)::BIGINT,
    coalesce(sum(worth) FILTER (WHERE e.event_type = 'purchase'), 0)::DECIMAL(18, 2),
    coalesce(sum(worth) FILTER (WHERE e.event_type = 'refund'), 0)::DECIMAL(18, 2)"""
_ORDERS = """
    SELECT order_key AS id, e.user_id AS customer, min(e.event_time) AS first, count(*) AS lines, sum(units)::BIGINT AS units,
        sum(worth)::DECIMAL(18, 2) AS amount, list_sort(list_distinct(list(e.product_id))) AS products
    FROM events WHERE e.event_type = 'purchase' GROUP BY 1, 2"""
_STRENGTHS = f"(MAP {STRENGTHS})"
QUERIES = {
    "minute": f"""
        SELECT minute, (SELECT count(*) FROM ({_ORDERS}) WHERE time_bucket(INTERVAL 1 MINUTE, first) = events.minute), {_SUMS}
        FROM events GROUP BY minute""",
    "product_minute": f"""
        SELECT minute, e.product_id, coalesce(e.category_code, ''), coalesce(e.brand, ''), {_SUMS}
        FROM events GROUP BY 1, 2, 3, 4""",
    "customer_minute": f"SELECT minute, e.user_id, {_SUMS} FROM events GROUP BY 1, 2",
    "interest_minute": f"""
        SELECT minute, e.user_id, e.product_id, coalesce(e.category_code, ''), coalesce(e.brand, ''),
            sum({_STRENGTHS}[e.event_type])::BIGINT
        FROM events GROUP BY 1, 2, 3, 4, 5""",
    "orders": f"SELECT id, customer, first, lines, units, amount, products FROM ({_ORDERS})",
}


def recompute(sent: Sequence[Sent]) -> dict[str, Rows]:
    """By table: its rows, sorted."""
    messages = pa.table(
        {
            "place": pa.array(range(len(sent))),
            "received": pa.array([each.received for each in sent], pa.timestamp("us", "UTC")),
            "message": [each.value.decode() for each in sent],
        }
    )
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("sent", messages)
        engine.execute(_EVENTS)
        return {name: _read(engine.sql(query).to_arrow_table()) for name, query in QUERIES.items()}


def _read(rows: pa.Table) -> Rows:
    return sorted(zip(*(column.to_pylist() for column in rows.columns), strict=True))
