"""Computes the overview's numbers of each day a second time, by plain SQL over the rows of an event file.

It uses only the contract of an event, neither the platform's parser nor its metrics.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb

from tests.oracle.events import CLEAN

READING = f"""
WITH clean AS (
    SELECT DISTINCT event_time, event_type, product_id, category_id, category_code, brand, price, user_id, user_session,
           quantity, order_id
    FROM read_parquet(?)
    WHERE {CLEAN}
)
SELECT left(event_time, 10) AS day,
       coalesce(sum(worth) FILTER (event_type = 'purchase'), 0) - coalesce(sum(worth) FILTER (event_type = 'refund'), 0),
       count(DISTINCT coalesce(order_id, user_session, 'row ' || row)) FILTER (event_type = 'purchase'),
       count(DISTINCT user_id)
FROM (SELECT *, row_number() OVER () AS row, price::DECIMAL(18, 2) * coalesce(quantity, '1')::INT AS worth FROM clean)
GROUP BY day ORDER BY day
"""


def read_revenue_orders_customers(file: Path) -> dict[str, tuple[Decimal, int, int]]:
    rows = duckdb.connect().execute(READING, [str(file)]).fetchall()
    return {day: (revenue, orders, customers) for day, revenue, orders, customers in rows}
