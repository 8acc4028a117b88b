"""Computes the overview's numbers of each day a second time, by plain SQL over the rows of an event file.

It uses only the contract of an event, neither the platform's parser nor its metrics.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb

from tests.oracle.events import CLEAN

EVENTS = f"""
WITH clean AS (
    SELECT DISTINCT event_time, event_type, product_id, category_id, category_code, brand, price, user_id, user_session,
           quantity, order_id
    FROM read_parquet($file)
    WHERE {CLEAN}
), events AS (
    SELECT left(event_time, 10) AS day, event_type, user_id, min(left(event_time, 10)) OVER (PARTITION BY user_id) AS first_day,
           price::DECIMAL(18, 2) * coalesce(quantity, '1')::INT AS worth,
           coalesce(order_id, user_session, 'row ' || row_number() OVER ()) AS bought_in
    FROM clean
)
"""
READING = f"""
{EVENTS}
SELECT day,
       coalesce(sum(worth) FILTER (event_type = 'purchase'), 0) - coalesce(sum(worth) FILTER (event_type = 'refund'), 0),
       count(DISTINCT bought_in) FILTER (event_type = 'purchase'),
       count(DISTINCT user_id)
FROM events GROUP BY day ORDER BY day
"""
#: The tiles of the overview, by their keys.
OVERVIEW = f"""
{EVENTS}
SELECT coalesce(sum(worth) FILTER (event_type = 'purchase'), 0) AS gross_revenue,
       coalesce(sum(worth) FILTER (event_type = 'refund'), 0) AS refunds,
       count(DISTINCT (day, bought_in)) FILTER (event_type = 'purchase') AS orders,
       count(DISTINCT user_id) AS customers,
       count(DISTINCT user_id) FILTER (event_type = 'purchase') AS buyers,
       count(DISTINCT user_id) FILTER (day = first_day) AS new_customers
FROM events WHERE day BETWEEN $first AND $last
"""


def read_revenue_orders_customers(file: Path) -> dict[str, tuple[Decimal, int, int]]:
    rows = duckdb.connect().execute(READING, {"file": str(file)}).fetchall()
    return {day: (revenue, orders, customers) for day, revenue, orders, customers in rows}


def read_overview(file: Path, first: str, last: str) -> dict[str, Decimal | int]:
    """The numbers of the days from first to last; `revenue` is net."""
    query = duckdb.connect().execute(OVERVIEW, {"file": str(file), "first": first, "last": last})
    names = [column[0] for column in query.description or ()]
    (row,) = query.fetchall()
    numbers = dict(zip(names, row, strict=True))
    return numbers | {"revenue": numbers["gross_revenue"] - numbers["refunds"]}
