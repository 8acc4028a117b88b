"""DuckDB makes the night's tables on all cores from a parquet file of the same events: customers' days, the shop's days, every
metric of every customer, and the tables that charts read. It keeps them in memory and publishes nothing; it leaves out the latest
events of a profile and the customers' interactions."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from cdp.lake.paths import EVENTS, table_url
from cdp.settings import Settings
from tests.oracle.customers import customers_sql
from tests.oracle.tables import READ_TABLES, table_sql

MEMORY = "8GB"
#: The columns that the queries below use.
COLUMNS = (
    "user_id", "event_day", "event_time", "event_type", "product_id", "category_code", "category_1", "category_2", "category_3",
    "brand", "quantity", "revenue", "user_session", "order_id", "event_id", "received_at", "kafka_topic", "kafka_partition",
    "kafka_offset",
)  # fmt: skip
#: Each event once, under the names of tests/oracle/.
EVENTS_SQL = """
SELECT user_id, event_day AS day, event_time AS moment, event_type, product_id, string_split(category_code, '.') AS code,
    nullif(concat_ws('.', category_1, category_2, category_3), '') AS category, brand, quantity AS units,
    user_session AS session, revenue AS money, CASE WHEN event_type = 'purchase' THEN order_id END AS bought_in
FROM parquet
QUALIFY row_number() OVER (
    PARTITION BY user_id, event_day, event_id ORDER BY received_at, kafka_topic, kafka_partition, kafka_offset) = 1
"""
CUSTOMER_DAY_SQL = """
WITH orders AS (
    SELECT day, user_id, bought_in, sum(units) AS items, sum(money) AS value FROM events
    WHERE event_type = 'purchase' GROUP BY ALL
), ordered AS (
    SELECT day, user_id, count(*) AS orders, sum(items) AS items, sum(value) AS gross_revenue,
        min(value) AS min_order_value, max(value) AS max_order_value
    FROM orders GROUP BY ALL
), active AS (
    SELECT day, user_id, min(moment) AS first_time, max(moment) AS last_time,
        count(DISTINCT session) FILTER (event_type <> 'refund')
            + max(CAST(session IS NULL AND event_type <> 'refund' AS INTEGER)) AS sessions,
        count(*) FILTER (event_type = 'view') AS views, count(*) FILTER (event_type = 'cart') AS carts,
        count(*) FILTER (event_type = 'remove_from_cart') AS removals, count(*) FILTER (event_type = 'refund') AS refunds,
        coalesce(sum(money), 0) AS revenue
    FROM events GROUP BY ALL
)
SELECT day, user_id AS customer_id, first_time, last_time, sessions, views, carts, removals, refunds,
    coalesce(orders, 0) AS orders, coalesce(items, 0) AS items, coalesce(gross_revenue, 0) AS gross_revenue, revenue,
    min_order_value, max_order_value
FROM active LEFT JOIN ordered USING (day, user_id)
"""
KPI_DAY_SQL = """
WITH visits AS (
    SELECT day, user_id, session, count(*) AS events, bool_or(event_type = 'view') AS view, bool_or(event_type = 'cart') AS cart,
        bool_or(event_type = 'purchase') AS purchase
    FROM events GROUP BY ALL
), seen AS (
    SELECT day, sum(events) AS events, count(*) FILTER (view) AS sessions_with_view,
        count(*) FILTER (view AND cart) AS sessions_with_cart, count(*) FILTER (purchase) AS sessions_with_purchase
    FROM visits GROUP BY day
), newcomers AS (
    SELECT day, count(*) AS new_customers FROM (SELECT min(day) AS day FROM customer_day GROUP BY customer_id) GROUP BY day
), totals AS (
    SELECT day, count(*) AS customers, count(*) FILTER (orders > 0) AS buyers, sum(sessions) AS sessions, sum(views) AS views,
        sum(carts) AS carts, sum(removals) AS removals, sum(refunds) AS refunds, sum(orders) AS orders, sum(items) AS items,
        sum(gross_revenue) AS gross_revenue, sum(revenue) AS revenue
    FROM customer_day GROUP BY day
)
SELECT day, events, customers, coalesce(new_customers, 0) AS new_customers, buyers, sessions, sessions_with_view,
    sessions_with_cart, sessions_with_purchase, views, carts, removals, refunds, orders, items, gross_revenue, revenue
FROM totals JOIN seen USING (day) LEFT JOIN newcomers USING (day)
"""


def export(settings: Settings, path: Path) -> None:
    """Write the events of the table into one parquet file."""
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        duck.register("delta", DeltaTable(table_url(settings, EVENTS)).to_pyarrow_dataset())
        in_utc = "SELECT * REPLACE (event_time AT TIME ZONE 'UTC' AS event_time)"
        duck.execute(f"COPY ({in_utc} FROM (SELECT {', '.join(COLUMNS)} FROM delta)) TO '{path}' (FORMAT parquet)")


def make_tables(duck: duckdb.DuckDBPyConnection, path: Path, day: date) -> dict[str, float]:
    """Make each table; returns the seconds that each took."""
    duck.execute(f"SET threads = {os.cpu_count() or 1}")
    duck.execute(f"SET memory_limit = '{MEMORY}'")
    duck.execute(f"SET temp_directory = '{path.parent / 'duckdb'}'")
    duck.execute("SET preserve_insertion_order = false")
    duck.execute(f"CREATE VIEW parquet AS SELECT * FROM read_parquet('{path}')")
    return {name: _time_table(duck, name, sql) for name, sql in build_statements(day).items()}


def build_statements(day: date) -> dict[str, str]:
    """The tables' SQL, ordered so that each uses only earlier tables."""
    base = {"events": EVENTS_SQL, "customer_day": CUSTOMER_DAY_SQL, "kpi_day": KPI_DAY_SQL, "again": customers_sql(day)}
    return base | {name: table_sql(name, day) for name in READ_TABLES}


def _time_table(duck: duckdb.DuckDBPyConnection, name: str, sql: str) -> float:
    start = time.monotonic()
    duck.execute(f"CREATE TABLE {name} AS {sql}")
    return time.monotonic() - start
