"""What recommendations led to, as of the end of a day: the tables result_day, result_shop and result_arm in Postgres.

An order line belongs to the customer's last click on its product within the window, and counts on the day of that list. The arms
of an experiment need no such rule: all orders after the first list that a customer saw count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from batch.days.events import IDENTITY, ORDER_OF_RECEIPT
from batch.recommend.records import connect, create_tables
from batch.recommend.retention import delete_old, require_kept
from cdp.errors import first_line
from cdp.lake.paths import EVENTS, EXPOSURES, table_url
from cdp.mart.recommend import RESULT_ARM, RESULT_DAY, RESULT_SHOP
from cdp.mart.table import Table
from cdp.recommend.experiments import Period, read_periods
from cdp.settings import Settings

#: Days before D that are computed again, because orders of D may follow clicks of these days. More if the window is longer.
DAYS_BACK = 7
MEMORY = "1GB"
_CONTEXT = ("customer_id", "place", "list_name", "source", "experiment", "arm")


class NoExposures(RuntimeError):
    """Nothing was shown yet, or HDFS does not answer. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days that are computed, and the end of the last one."""

    first: date
    last: date

    @property
    def end(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)


def compute_results(settings: Settings, day: date) -> str:
    """Replace the results; returns a line for the operator. The same data give the same rows."""
    back = max(DAYS_BACK, -(-settings.recommend_click_hours // 24))
    span = Span(day - timedelta(days=back), day)
    create_tables(settings)
    with connect(settings) as connection:
        periods = _read_periods(connection, span)
        with _open_lake(settings, span, periods) as duck:
            require_kept(connection, settings, _find_first_day(span, periods))
            rows = find_results(duck, span, settings.recommend_click_hours, periods)
        with connection.cursor() as cursor:
            for table in (RESULT_DAY, RESULT_SHOP):
                cursor.execute(f"DELETE FROM {table.full_name} WHERE day BETWEEN %s AND %s", [span.first, span.last])
            cursor.execute(f"DELETE FROM {RESULT_ARM.full_name} WHERE day = %s", [day])
            for table, values in rows.items():
                names = ", ".join(table.column_names)
                execute_values(cursor, f"INSERT INTO {table.full_name} ({names}) VALUES %s", values)
        delete_old(connection, settings, _find_first_day(span, periods) - timedelta(days=settings.recommend_exposure_days))
    seen = sum(row[RESULT_DAY.column_names.index("seen")] for row in rows[RESULT_DAY])
    return f"{seen:,} lists seen from {span.first} to {span.last}; {len(periods):,} experiments"


def _read_periods(connection: Connection, span: Span) -> Sequence[Period]:
    with connection.cursor() as cursor:
        start = datetime.combine(span.first, time(), UTC)
        return read_periods(cursor, start, span.end)


def _find_first_day(span: Span, periods: Sequence[Period]) -> date:
    """The first day of exposures that the results need."""
    return min([span.first, *(period.starts_at.date() for period in periods)])


# ---------------------------------------------------------------- from HDFS


@contextmanager
def _open_lake(settings: Settings, span: Span, periods: Sequence[Period]) -> Iterator[duckdb.DuckDBPyConnection]:
    first = _find_first_day(span, periods)
    try:
        lake = {name: DeltaTable(table_url(settings, name)).to_pyarrow_dataset() for name in (EXPOSURES, EVENTS)}
    except TableNotFoundError as error:
        raise NoExposures("HDFS has no lists or no events yet; write them: ./run up stream stream-exposures") from error
    except (DeltaError, OSError) as error:
        raise NoExposures(f"{table_url(settings, EXPOSURES)} can't be read: {first_line(error)}; see ./run status.") from error
    with duckdb.connect(config={"memory_limit": MEMORY}) as duck:
        duck.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        fill_tables(duck, first, span, lake)
        yield duck


def fill_tables(duck: duckdb.DuckDBPyConnection, first: date, span: Span, lake: dict[str, Any]) -> None:
    """The tables `lists` (a row per list, with the times at which it was first seen and clicked; who clicks has seen), `clicks`
    (a row per list and product) and `orders` (a row per order line). A list must have the product that is clicked."""
    for name, table in lake.items():
        duck.register(f"lake_{name}", table)
    duck.execute(f"""
        CREATE TABLE messages AS SELECT day, kind, exposure_id, "at" AS moment, product_id, {", ".join(_CONTEXT)}, products
        FROM lake_{EXPOSURES} WHERE day BETWEEN DATE '{first}' AND DATE '{span.last}';
        CREATE TABLE served AS SELECT DISTINCT ON (exposure_id) exposure_id, day, moment, {", ".join(_CONTEXT)}, products
        FROM messages WHERE kind = 'served' ORDER BY exposure_id, moment;
        CREATE TABLE clicks AS
        SELECT exposure_id, served.customer_id, m.product_id, min(m.moment) AS moment
        FROM messages m JOIN served USING (exposure_id)
        WHERE m.kind = 'click' AND list_contains(served.products, m.product_id) GROUP BY ALL""")
    duck.execute("""
        CREATE TABLE lists AS
        SELECT served.* EXCLUDE (products), least(seen_at, clicked_at) AS seen_at, clicked_at
        FROM served
        LEFT JOIN (SELECT exposure_id, min(moment) AS seen_at FROM messages WHERE kind = 'seen' GROUP BY ALL) USING (exposure_id)
        LEFT JOIN (SELECT exposure_id, min(moment) AS clicked_at FROM clicks GROUP BY ALL) USING (exposure_id)""")
    duck.execute(f"""
        CREATE TABLE orders AS
        SELECT user_id AS customer_id, product_id, event_day AS day, event_time AS moment, revenue
        FROM (SELECT DISTINCT ON ({", ".join(IDENTITY)}) * FROM lake_{EVENTS}
            WHERE event_day BETWEEN DATE '{first}' AND DATE '{span.last}' AND event_type = 'purchase'
            ORDER BY {", ".join((*IDENTITY, *ORDER_OF_RECEIPT))})""")


# ---------------------------------------------------------------- sums

_ATTRIBUTED = """
    SELECT c.exposure_id, count(*) AS lines, sum(o.revenue) AS revenue
    FROM orders o ASOF JOIN (
        SELECT DISTINCT ON (customer_id, product_id, moment) * FROM clicks WHERE customer_id <> ''
        ORDER BY customer_id, product_id, moment, exposure_id) c
    ON o.customer_id = c.customer_id AND o.product_id = c.product_id AND o.moment >= c.moment
    WHERE o.moment <= c.moment + to_hours($hours) GROUP BY ALL"""
_DAYS = f"""
    SELECT day, place, list_name, source, experiment, arm, count(*), count(seen_at), count(clicked_at),
        count(DISTINCT customer_id) FILTER (seen_at IS NOT NULL AND customer_id <> ''),
        coalesce(sum(lines), 0), coalesce(sum(revenue), 0)
    FROM lists LEFT JOIN ({_ATTRIBUTED}) USING (exposure_id) WHERE day >= $first GROUP BY ALL ORDER BY ALL"""
_SHOP = f"""
    SELECT day, customers, coalesce(lines, 0), coalesce(revenue, 0)
    FROM (SELECT event_day AS day, count(DISTINCT user_id) AS customers FROM lake_{EVENTS}
        WHERE event_day BETWEEN $first AND $last GROUP BY ALL)
    LEFT JOIN (SELECT day, count(*) AS lines, sum(revenue) AS revenue FROM orders GROUP BY ALL) USING (day) ORDER BY day"""
#: Customers of an experiment until its end or the day's: their lists, and their orders after the first list that they saw.
_ARMS = """
    WITH customers AS (
        SELECT experiment, arm, customer_id, count(seen_at) AS seen, count(clicked_at) AS clicked, min(seen_at) AS first_seen
        FROM lists JOIN periods ON experiment = key AND moment >= starts_at AND moment < ends_at
        WHERE customer_id <> '' GROUP BY ALL),
    bought AS (
        SELECT experiment, arm, c.customer_id, sum(revenue) AS revenue
        FROM customers c JOIN orders o ON o.customer_id = c.customer_id AND o.moment >= first_seen
        JOIN periods ON experiment = key AND o.moment < ends_at GROUP BY ALL)
    SELECT experiment, arm, $last, count(*), count(first_seen), sum(seen), sum(seen * seen), sum(clicked), sum(clicked * clicked),
        sum(seen * clicked), count(revenue), coalesce(sum(revenue), 0),
        coalesce(sum(revenue::DECIMAL(18, 2) * revenue::DECIMAL(18, 2)), 0)
    FROM customers LEFT JOIN bought USING (experiment, arm, customer_id) GROUP BY ALL ORDER BY ALL"""


def find_results(
    duck: duckdb.DuckDBPyConnection, span: Span, hours: int, periods: Sequence[Period]
) -> dict[Table, list[tuple[Any, ...]]]:
    """The rows of each table, in the order of its columns."""
    duck.execute("CREATE TABLE periods (key VARCHAR, starts_at TIMESTAMPTZ, ends_at TIMESTAMPTZ)")
    if periods:
        rows = [[period.key, period.starts_at, min(period.ends_at, span.end)] for period in periods]
        duck.executemany("INSERT INTO periods VALUES (?, ?, ?)", rows)
    return {
        RESULT_DAY: duck.execute(_DAYS, {"hours": hours, "first": span.first}).fetchall(),
        RESULT_SHOP: duck.execute(_SHOP, {"first": span.first, "last": span.last}).fetchall(),
        RESULT_ARM: duck.execute(_ARMS, {"last": span.last}).fetchall(),
    }
