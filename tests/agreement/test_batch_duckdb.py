"""Spark's night against DuckDB: the same messages, read and counted a second time in another language by other means.

The reference below is written by hand from the contract and knows nothing of the parser, the transforms or the catalogue's SQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from pyspark.sql import DataFrame, SparkSession

from batch.customer_day import customer_day
from batch.customers import CUSTOMER_ID, customers
from batch.events import events_once
from batch.kpi_day import kpi_day, newcomers
from cdp.metrics import BY_KEY, METRICS, sql_for_day
from cdp.warehouse import CUSTOMER_DAY, KPI_DAY
from streaming.parse import good, parse
from tests.spark_session import spark, utc

__all__ = ["spark"]

pytestmark = pytest.mark.spark

FIRST, DAYS = date(2019, 7, 1), 120
AS_OF = FIRST + timedelta(days=DAYS - 6)  # some events lie after it
TYPES = ("view", "view", "view", "cart", "remove_from_cart", "purchase", "purchase")

#: The messages as rows of text, each event once: the first received of a customer's copies within a day.
EVENTS_SQL = """
CREATE TABLE events AS
WITH typed AS (
    SELECT *, strptime(replace(event_time, ' UTC', ''), '%Y-%m-%d %H:%M:%S') AS moment,
        CAST(price AS DECIMAL(12, 2)) AS unit_price,
        CAST(coalesce(quantity, '1') AS INTEGER) AS units, nullif(user_session, '') AS session
    FROM messages
), known AS (
    SELECT *, CAST(moment AS DATE) AS day,
        coalesce(event_id, concat_ws('|', moment, event_type, product_id, unit_price, session, units, order_id)) AS id
    FROM typed
)
SELECT *, CASE WHEN event_type = 'purchase' THEN unit_price * units END AS money,
    coalesce('given ' || order_id, 'session ' || session, 'event ' || id) AS bought_in
FROM known QUALIFY row_number() OVER (PARTITION BY user_id, day, id ORDER BY place) = 1
"""
CUSTOMER_DAY_SQL = """
CREATE TABLE customer_day AS
SELECT day, user_id AS customer_id, min(moment) AS first_time, max(moment) AS last_time,
    count(DISTINCT session) + CASE WHEN count(*) > count(session) THEN 1 ELSE 0 END AS sessions,
    count(*) FILTER (event_type = 'view') AS views, count(*) FILTER (event_type = 'cart') AS carts,
    count(*) FILTER (event_type = 'remove_from_cart') AS removals,
    count(DISTINCT bought_in) FILTER (event_type = 'purchase') AS orders,
    coalesce(sum(units) FILTER (event_type = 'purchase'), 0) AS items, coalesce(sum(money), 0) AS revenue,
    (SELECT min(v) FROM (SELECT sum(money) AS v FROM events o WHERE o.user_id = e.user_id AND o.day = e.day
        AND o.event_type = 'purchase' GROUP BY bought_in)) AS min_order_value,
    (SELECT max(v) FROM (SELECT sum(money) AS v FROM events o WHERE o.user_id = e.user_id AND o.day = e.day
        AND o.event_type = 'purchase' GROUP BY bought_in)) AS max_order_value
FROM events e GROUP BY day, user_id
"""
KPI_SQL = """
WITH sessions AS (
    SELECT day, user_id, session, bool_or(event_type = 'view') AS saw, bool_or(event_type = 'cart') AS put,
        bool_or(event_type = 'purchase') AS bought
    FROM events GROUP BY ALL
)
SELECT day, (SELECT count(*) FROM events e WHERE e.day = d.day) AS events,
    (SELECT count(DISTINCT user_id) FROM events e WHERE e.day = d.day) AS customers,
    (SELECT count(*) FROM (SELECT user_id, min(day) AS first FROM events GROUP BY user_id) WHERE first = d.day) AS new_customers,
    (SELECT count(DISTINCT user_id) FROM events e WHERE e.day = d.day AND event_type = 'purchase') AS buyers,
    (SELECT count(*) FROM sessions s WHERE s.day = d.day) AS sessions,
    (SELECT count(*) FROM sessions s WHERE s.day = d.day AND saw) AS sessions_with_view,
    (SELECT count(*) FROM sessions s WHERE s.day = d.day AND saw AND put) AS sessions_with_cart,
    (SELECT count(*) FROM sessions s WHERE s.day = d.day AND bought) AS sessions_with_purchase,
    (SELECT count(*) FROM events e WHERE e.day = d.day AND event_type = 'view') AS views,
    (SELECT count(*) FROM events e WHERE e.day = d.day AND event_type = 'cart') AS carts,
    (SELECT count(*) FROM events e WHERE e.day = d.day AND event_type = 'remove_from_cart') AS removals,
    (SELECT count(DISTINCT (user_id, bought_in)) FROM events e WHERE e.day = d.day AND event_type = 'purchase') AS orders,
    (SELECT coalesce(sum(units), 0) FROM events e WHERE e.day = d.day AND event_type = 'purchase') AS items,
    (SELECT coalesce(sum(money), 0) FROM events e WHERE e.day = d.day) AS revenue
FROM (SELECT DISTINCT day FROM events) d
"""

_ORDER = "event_type = 'purchase'"
_ORDER_DAYS = f"count(DISTINCT (day, bought_in)) FILTER ({_ORDER}"
#: Metric -> what it is over one customer's events up to the day $as_of. A metric without a line here fails a test.
REFERENCE = {
    "first_seen": "min(day)",
    "last_seen": "max(day)",
    "active_days": "count(DISTINCT day)",
    "sessions": "count(DISTINCT (day, coalesce(session, 'none at all')))",
    "views": "count(*) FILTER (event_type = 'view')",
    "carts": "count(*) FILTER (event_type = 'cart')",
    "removals": "count(*) FILTER (event_type = 'remove_from_cart')",
    "total_purchase": f"{_ORDER_DAYS})",
    "items": f"coalesce(sum(units) FILTER ({_ORDER}), 0)",
    "total_purchase_value": "coalesce(sum(money), 0)",
    "min_purchase_value": "list_min(list_transform(map_values(any_value(baskets)), lambda v: v))",
    "max_purchase_value": "list_max(list_transform(map_values(any_value(baskets)), lambda v: v))",
    "first_order": f"min(day) FILTER ({_ORDER})",
    "last_order": f"max(day) FILTER ({_ORDER})",
    "views_30d": "count(*) FILTER (event_type = 'view' AND $as_of - day < 30)",
    "orders_30d": f"{_ORDER_DAYS} AND $as_of - day < 30)",
    "revenue_30d": "coalesce(sum(money) FILTER ($as_of - day < 30), 0)",
    "orders_90d": f"{_ORDER_DAYS} AND $as_of - day < 90)",
    "revenue_90d": "coalesce(sum(money) FILTER ($as_of - day < 90), 0)",
    # Half up in whole cents: DuckDB divides decimals as floats.
    "avg_purchase_value": f"(CAST(200 * sum(money) AS BIGINT) + {_ORDER_DAYS})) // nullif(2 * {_ORDER_DAYS}), 0) * 0.01",
    "days_since_seen": "$as_of - max(day)",
    "days_since_order": f"$as_of - max(day) FILTER ({_ORDER})",
    "lifecycle": f"""CASE
        WHEN $as_of - min(day) < 30 THEN 'new'
        WHEN count(*) FILTER ({_ORDER} AND $as_of - day < 30) > 0
            AND count(*) FILTER ({_ORDER} AND $as_of - day BETWEEN 30 AND 89) = 0
            AND count(*) FILTER ({_ORDER} AND $as_of - day >= 90) > 0 THEN 'returned'
        WHEN $as_of - max(day) < 30 THEN 'active'
        WHEN $as_of - max(day) < 60 THEN 'at risk'
        ELSE 'lapsed' END""",
}


def history(seed: int) -> list[dict[str, str]]:
    """Messages in the order they are received: late ones, copies, ones without a session, orders over midnight."""
    rng = Random(seed)
    rows: list[tuple[float, dict[str, str]]] = []
    for customer in range(25):
        for _ in range(rng.choice((1, 2, 5, 12))):
            rows += _visit(rng, f"c{customer}", FIRST + timedelta(days=rng.randrange(DAYS)))
    copies = [(arrives + rng.random() * 3, row) for arrives, row in rows if rng.random() < 0.05]
    return [row for _, row in sorted([*rows, *copies], key=lambda pair: pair[0])]


def _visit(rng: Random, customer: str, day: date) -> Iterator[tuple[float, dict[str, str]]]:
    """A visit may begin just before midnight. Its events arrive at once or days later."""
    start = utc(day.year, day.month, day.day) + timedelta(seconds=rng.choice((rng.randrange(80_000), 86_390)))
    session = rng.choice(("", f"{customer}-{rng.randrange(10**6)}", f"{customer}-again"))
    order = rng.choice((None, f"o{rng.randrange(10**6)}"))
    for place in range(rng.randint(1, 6)):
        at = start + timedelta(seconds=7 * place)
        row = {
            "event_time": f"{at:%Y-%m-%d %H:%M:%S} UTC",
            "event_type": rng.choice(TYPES),
            "product_id": f"p{rng.randrange(9)}",
            "price": f"{rng.randrange(100, 99_999) / 100:.2f}",
            "user_id": customer,
            "user_session": session,
        }
        if order and row["event_type"] == "purchase":
            row["order_id"] = order
        if rng.random() < 0.2:
            row["quantity"] = str(rng.randint(1, 4))
        if rng.random() < 0.1:
            row["event_id"] = f"given-{rng.randrange(30)}"  # some are used again by mistake
        yield (at - utc(2019, 1, 1)).total_seconds() / 86_400 + rng.choice((0, 0, 0, 2.5)), row


@dataclass(frozen=True)
class Night:
    """Both readings of one history."""

    customer_day: DataFrame
    kpi_day: DataFrame
    customers: DataFrame
    duck: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module", params=[1, 2])
def night(request: pytest.FixtureRequest, spark: SparkSession) -> Iterator[Night]:
    rows = history(request.param)
    values = [
        (bytearray(json.dumps(row).encode()), "events.raw", 0, place, utc(2019, 12, 1) + timedelta(seconds=place))
        for place, row in enumerate(rows)
    ]
    schema = "value binary, topic string, partition int, offset bigint, timestamp timestamp"
    # More than one task, so that what is counted is also put together.
    once = events_once(good(parse(spark.createDataFrame(values, schema).repartition(3)))).repartition(2, "customer_id").persist()
    days = customer_day(once).persist()
    yield Night(days, kpi_day(once, days, newcomers(days)), customers(days, AS_OF), _reference(rows))
    days.unpersist()
    once.unpersist()


def _reference(rows: list[dict[str, str]]) -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect()
    names = ("event_time", "event_type", "product_id", "price", "user_id", "user_session", "quantity", "order_id", "event_id")
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    duck.register("messages", pa.table({"place": pa.array(range(len(rows))), **columns}))
    for statement in (EVENTS_SQL, CUSTOMER_DAY_SQL):
        duck.execute(statement)
    return duck


def of_spark(frame: DataFrame, key: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return _by_key([row.asDict() for row in frame.collect()], key)


def of_duckdb(duck: duckdb.DuckDBPyConnection, sql: str, key: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = duck.execute(sql)
    names = [column[0] for column in found.description or ()]
    return _by_key([dict(zip(names, row, strict=True)) for row in found.fetchall()], key)


def _by_key(rows: list[dict[str, Any]], key: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    made = {tuple(row[name] for name in key): {name: _plain(value) for name, value in row.items()} for row in rows}
    assert len(made) == len(rows), f"two rows of one {key}"
    return made


def _plain(value: Any) -> Any:
    """A value without its store's habits. No float may come: money is never one."""
    assert not isinstance(value, float), value
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return value.normalize() if isinstance(value, Decimal) else value


def test_history_has_what_it_is_made_for() -> None:
    rows = history(1)
    times = [row["event_time"] for row in rows]
    assert times != sorted(times), "late events"
    assert len({json.dumps(row) for row in rows}) < len(rows), "copies"
    assert any(row["user_session"] == "" for row in rows), "events without a session"
    days = {
        (row["user_session"], row["event_time"][:10]) for row in rows if row["event_type"] == "purchase" and row["user_session"]
    }
    assert len(days) > len({session for session, _ in days}), "orders over midnight"
    assert max(times) > AS_OF.isoformat() + "Z", "events after the day"


def test_customer_day_agrees(night: Night) -> None:
    sql = f"SELECT {', '.join(CUSTOMER_DAY.column_names)} FROM customer_day"
    assert of_spark(night.customer_day.drop("recent"), CUSTOMER_DAY.key) == of_duckdb(night.duck, sql, CUSTOMER_DAY.key)


def test_kpi_day_agrees(night: Night) -> None:
    assert of_spark(night.kpi_day, KPI_DAY.key) == of_duckdb(night.duck, KPI_SQL, KPI_DAY.key)


def test_every_metric_has_a_reference() -> None:
    assert set(REFERENCE) == set(BY_KEY)


def test_customers_agree(night: Night) -> None:
    """Every metric, counted from the events themselves rather than from daily rows."""
    metrics = ", ".join(f"{sql} AS {key}" for key, sql in REFERENCE.items()).replace("$as_of", f"DATE '{AS_OF}'")
    sql = f"""
        WITH baskets AS (
            SELECT user_id, map_from_entries(list((row_number, v))) AS baskets FROM (
                SELECT user_id, sum(money) AS v, row_number() OVER () AS row_number FROM events
                WHERE {_ORDER} AND day <= DATE '{AS_OF}' GROUP BY user_id, day, bought_in)
            GROUP BY user_id
        )
        SELECT user_id AS customer_id, {metrics} FROM events LEFT JOIN baskets USING (user_id)
        WHERE day <= DATE '{AS_OF}' GROUP BY user_id
    """
    assert of_spark(night.customers, (CUSTOMER_ID,)) == of_duckdb(night.duck, sql, (CUSTOMER_ID,))


def test_catalogue_says_the_same_in_duckdb(night: Night) -> None:
    """The catalogue's own SQL, printed for DuckDB by sqlglot: what the site computes is what the night has computed."""
    aggregates = [f"{_for_duckdb(m.key)} AS {m.key}" for m in METRICS if m.stage == "aggregate"]
    derived = [f"{_for_duckdb(m.key)} AS {m.key}" for m in METRICS if m.stage == "derived"]
    sql = f"""
        SELECT *, {", ".join(derived)} FROM (
            SELECT customer_id, {", ".join(aggregates)} FROM customer_day WHERE day <= DATE '{AS_OF}' GROUP BY customer_id
        )
    """
    assert of_spark(night.customers, (CUSTOMER_ID,)) == of_duckdb(night.duck, sql, (CUSTOMER_ID,))


def _for_duckdb(key: str) -> str:
    (printed,) = sqlglot.transpile(sql_for_day(BY_KEY[key], AS_OF.isoformat()), read="spark", write="duckdb")
    return printed
