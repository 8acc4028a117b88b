"""The chart tables of a year, made by DuckDB from the benchmark's customers and interactions, and copied to Postgres. A customer
has one session and at most one order a day."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg2

from benchmarks.segments_data import DAY
from cdp.events import COUNTS
from cdp.mart.charts import ORDER_VALUE_BOUNDS
from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY, TABLES
from cdp.mart.table import Table
from cdp.metrics.rfm import EARLIER_GROUPS, RFM_GROUP, RFM_GROUPS
from cdp.postgres import connection_arguments
from cdp.settings import Settings

#: What an event does to the sums of a row.
_SUMS = {
    **{column: f"sum(events) FILTER (event_type = '{event}')" for event, column in COUNTS.items()},
    "items": "sum(quantity) FILTER (event_type = 'purchase')",
    "gross_revenue": "sum(money) FILTER (event_type = 'purchase')",
    "revenue": "sum(money)",
}
_OF_CUSTOMER = ", ".join(f"coalesce({sql}, 0) AS {name}" for name, sql in _SUMS.items())
_OF_ALL = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
_BUYERS = "count(*) FILTER (items > 0)"
_CATEGORY = "concat_ws('.', category_1, category_2, category_3)"
_BRAND = "coalesce(brand, '')"
_BOUNDS = ", ".join(
    f"({low}, {'NULL' if high is None else high})"
    for low, high in zip(ORDER_VALUE_BOUNDS, (*ORDER_VALUE_BOUNDS[1:], None), strict=True)
)


def _add_up(day: str = "day", **keys: str) -> str:
    """Sums by day and these columns; a customer counts once in each row."""
    columns = ", ".join((f"{day} AS day", *(f"{sql} AS {name}" for name, sql in keys.items())))
    names = ", ".join(("day", *keys))
    inner = f"SELECT {columns}, customer_id, sum(events) AS events, {_OF_CUSTOMER} FROM interactions GROUP BY ALL"
    outer = f"{names}, sum(events) AS events, count(*) AS customers, {_BUYERS} AS buyers, {_BUYERS} AS orders, {_OF_ALL}"
    return f"SELECT {outer} FROM ({inner}) GROUP BY ALL"


def _add_up_categories() -> str:
    levels = [f"concat_ws('.', {', '.join(f'category_{number}' for number in range(1, level + 1))})" for level in (1, 2, 3)]
    return " UNION ALL BY NAME ".join(_add_up(level=str(number), category=sql) for number, sql in enumerate(levels, 1))


_HOURS = f"""SELECT h.* EXCLUDE (orders), coalesce(o.orders, 0) AS orders FROM ({_add_up(hour="hour")}) h
    LEFT JOIN (SELECT day, hour, count(*) AS orders FROM (SELECT day, min(hour) AS hour FROM interactions
        WHERE event_type = 'purchase' GROUP BY day, customer_id) GROUP BY ALL) o USING (day, hour)"""
_VISITS = f"""SELECT day, customer_id, day + to_hours(min(hour)) AS first_time, day + to_hours(max(hour)) AS last_time,
    (bool_or(event_type <> 'refund'))::INT AS sessions, sum(events) AS events, {_OF_CUSTOMER}, (items > 0)::INT AS orders,
    CASE WHEN items > 0 THEN gross_revenue END AS min_order_value, min_order_value AS max_order_value
    FROM interactions GROUP BY day, customer_id"""
_DAYS = f"""SELECT day, sum(events) AS events, count(*) AS customers, count(*) FILTER (first_seen = day) AS new_customers,
    sum(orders) AS buyers, sum(orders) AS orders, sum(sessions) AS sessions, count(*) FILTER (v.views > 0) AS sessions_with_view,
    count(*) FILTER (v.views > 0 AND v.carts > 0) AS sessions_with_cart, sum(orders) AS sessions_with_purchase,
    {", ".join(f"sum(v.{name}) AS {name}" for name in _SUMS)}
    FROM visits v JOIN (SELECT customer_id, first_seen FROM customers) USING (customer_id) GROUP BY day"""
_COHORTS = """SELECT date_trunc('month', first_seen)::DATE AS cohort, month, count(*) AS customers,
    count(*) FILTER (orders > 0) AS buyers, sum(orders) AS orders, sum(revenue) AS revenue
    FROM (SELECT customer_id, date_trunc('month', day)::DATE AS month, sum(orders) AS orders, sum(revenue) AS revenue
        FROM visits GROUP BY ALL) JOIN (SELECT customer_id, first_seen FROM customers) USING (customer_id) GROUP BY ALL"""
_SCORES = "recency_score, frequency_score, monetary_score, rfm_group"
_RFM = f"""SELECT '{DAY}'::DATE AS day, {_SCORES}, count(*) AS customers, sum(gross_purchase_value) AS gross_revenue,
    sum(total_purchase_value) AS revenue FROM customers WHERE recency_score IS NOT NULL GROUP BY ALL"""
_FLOW = " UNION ALL ".join(
    f"SELECT '{DAY}'::DATE AS day, '{since}' AS since, coalesce({metric.key}, '') AS from_group,"
    " coalesce(rfm_group, '') AS to_group, count(*) AS customers FROM customers GROUP BY ALL"
    for since, metric in EARLIER_GROUPS.items()
)
#: Table -> its rows.
QUERIES: Mapping[str, str] = {
    CUSTOMER_DAY.name: "FROM visits",
    KPI_DAY.name: _DAYS,
    "product_day": _add_up(product_id="product_id", category=_CATEGORY, brand=_BRAND),
    "category_day": _add_up_categories(),
    "brand_day": _add_up(brand=_BRAND),
    "hour_day": _HOURS,
    "order_value_day": "SELECT day, low AS from_value, high AS to_value, count(*) AS orders, sum(gross_revenue) AS revenue"
    f" FROM visits JOIN (VALUES {_BOUNDS}) bounds(low, high) ON gross_revenue >= low AND gross_revenue < coalesce(high, 1e15)"
    " WHERE orders > 0 GROUP BY ALL",
    "cohort_month": _COHORTS,
    "rfm_day": _RFM,
    "rfm_flow": _FLOW,
}


def open_history(folder: Path) -> duckdb.DuckDBPyConnection:
    """The customers and interactions of a publication, and the customers' days."""
    duck = duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "temp_directory": str(folder)})
    for name in ("customers", "interactions"):
        duck.execute(f"CREATE VIEW {name} AS FROM '{folder}/{name}.parquet'")
    duck.execute(f"CREATE TABLE visits AS {_VISITS}")
    return duck


def write_scores(folder: Path) -> None:
    """Give the buyers of the file `customers` the scores and groups that the night would give them."""
    buyers = "SELECT count(*) FROM customers WHERE total_purchase > 0"
    ranks = {"recency_score": "last_order", "frequency_score": "total_purchase", "monetary_score": "total_purchase_value"}
    scores = ", ".join(
        f"(1 + floor(5 * (rank() OVER (ORDER BY {value}) - 1) / ({buyers})))::INT AS {name}" for name, value in ranks.items()
    )
    names = [group.name for group in RFM_GROUPS]
    drawn = (
        f"CASE WHEN hash(customer_id) % 10 < {{}} THEN rfm_group ELSE {names}[1 + (hash(customer_id) % {len(names)})::INT] END"
    )
    shares = {"day": 9, "month": 6}
    earlier = ", ".join(f"{drawn.format(shares[since])} AS {metric.key}" for since, metric in EARLIER_GROUPS.items())
    group = RFM_GROUP.sql.replace(" div ", " // ")
    changed = (*ranks, RFM_GROUP.key, *(metric.key for metric in EARLIER_GROUPS.values()))
    source, target = folder / "customers.parquet", folder / "scored.parquet"
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "temp_directory": str(folder)}) as duck:
        duck.execute(f"CREATE VIEW customers AS FROM '{source}'")
        scored = f"SELECT customer_id, {scores} FROM customers WHERE total_purchase > 0"
        grouped = f"SELECT *, {earlier} FROM (SELECT *, {group} AS rfm_group FROM ({scored}))"
        duck.execute(
            f"COPY (SELECT c.* EXCLUDE ({', '.join(changed)}), s.* EXCLUDE (customer_id) FROM customers c"
            f" LEFT JOIN ({grouped}) s USING (customer_id)) TO '{target}'"
        )
    target.replace(source)


def fill_tables(settings: Settings, folder: Path) -> dict[str, int]:
    """Fill the tables of the charts, and return the number of rows of each."""
    rows = {}
    with open_history(folder) as duck, closing(psycopg2.connect(**connection_arguments(settings, "bench"))) as connection:
        for table in TABLES:
            if query := QUERIES.get(table.name):
                rows[table.name] = _copy(duck, connection, table, query, folder / f"{table.name}.csv")
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")
    return rows


def _copy(duck: duckdb.DuckDBPyConnection, connection: Any, table: Table, query: str, file: Path) -> int:
    """The primary key is built afterwards, which is quicker."""
    columns, key = ", ".join(table.column_names), ", ".join(table.key)
    duck.execute(f"COPY (SELECT {columns} FROM ({query}) ORDER BY {key}) TO '{file}' (HEADER false, NULLSTR '\\N')")
    with connection, connection.cursor() as cursor, file.open("rb") as lines:
        cursor.execute(f"ALTER TABLE {table.full_name} DROP CONSTRAINT {table.name}_pkey")
        cursor.copy_expert(f"COPY {table.full_name} ({columns}) FROM STDIN (FORMAT csv, NULL '\\N')", lines)
        rows: int = cursor.rowcount
        cursor.execute(f"ALTER TABLE {table.full_name} ADD PRIMARY KEY ({key})")
    file.unlink()
    return rows
