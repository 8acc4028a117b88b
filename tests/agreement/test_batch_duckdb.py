"""Compares the night in Spark with DuckDB: the same messages, read and counted a second time by independent code.

The second reading is tests/oracle/; the SQL of two more tables is here.
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
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.customers.accounts import build_accounts
from batch.customers.cohorts import build_cohort_months
from batch.customers.newcomers import count_newcomers
from batch.customers.rfm_tables import build_rfm_day, build_rfm_flow
from batch.customers.snapshot import aggregate_customers, build_snapshot
from batch.days.customer_day import CUSTOMER_ID, build_customer_days
from batch.days.events import deduplicate
from batch.days.interactions import build_interactions
from batch.days.kpi_day import build_kpi_days
from batch.days.order_days import build_hour_days, build_order_value_days
from batch.days.thing_days import build_thing_days
from batch.hdfs.tables import write_days
from cdp.lake import paths
from cdp.mart.charts import CHART_TABLES
from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY
from cdp.mart.table import Table
from cdp.metrics import BY_KEY
from cdp.settings import load
from streaming.events.parse import parse, select_events
from tests.oracle.accounts import SHOP_COLUMNS
from tests.oracle.customers import READ, customers_sql
from tests.oracle.events import FIELDS, INTERACTIONS_SQL, read_events
from tests.oracle.tables import OF_DAYS, table_sql
from tests.shop_tables import ShopRows, make_shop_rows, make_tables
from tests.spark_session import spark, utc

__all__ = ["spark"]

pytestmark = pytest.mark.spark

FIRST, DAYS, CUSTOMERS = date(2019, 7, 1), 120, 150
REFUND_CUSTOMERS = 8  # customers who have only refunds
AS_OF = FIRST + timedelta(days=DAYS - 6)  # some events are later
LAST = FIRST + timedelta(days=DAYS)
INTERACTION_KEY = ("day", "hour", "customer_id", "event_type", "product_id", "category", "brand", "price")
#: Category and brand of each product: one to four levels, with capitals, or unknown.
KINDS_OF_THINGS = (
    ("electronics.smartphone", "Acme"), ("electronics.smartphone", "bolt"), ("electronics.audio.headphone.cable", "acme"),
    ("electronics.audio.headphone", None), ("apparel", "  Çelik "), (None, "bolt"), (None, None),
    ("zoo..cat", "zeta"), ("apparel", ""),
)  # fmt: skip
Rows = dict[tuple[Any, ...], dict[str, Any]]
TYPES = ("view", "view", "view", "cart", "remove_from_cart", "purchase", "purchase", "refund")

MONEY_TYPES = ("purchase", "refund")

CUSTOMER_DAY_SQL = """
CREATE TABLE customer_day AS
SELECT day, user_id AS customer_id, min(moment) AS first_time, max(moment) AS last_time,
    (SELECT count(DISTINCT coalesce(session, 'none at all')) FROM events v
        WHERE v.user_id = e.user_id AND v.day = e.day AND v.event_type <> 'refund') AS sessions,
    count(*) FILTER (event_type = 'view') AS views, count(*) FILTER (event_type = 'cart') AS carts,
    count(*) FILTER (event_type = 'remove_from_cart') AS removals, count(*) FILTER (event_type = 'refund') AS refunds,
    count(DISTINCT bought_in) FILTER (event_type = 'purchase') AS orders,
    coalesce(sum(units) FILTER (event_type = 'purchase'), 0) AS items,
    coalesce(sum(money) FILTER (event_type = 'purchase'), 0) AS gross_revenue, coalesce(sum(money), 0) AS revenue,
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
    FROM events WHERE event_type <> 'refund' GROUP BY ALL
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
    (SELECT count(*) FROM events e WHERE e.day = d.day AND event_type = 'refund') AS refunds,
    (SELECT count(DISTINCT (user_id, bought_in)) FROM events e WHERE e.day = d.day AND event_type = 'purchase') AS orders,
    (SELECT coalesce(sum(units), 0) FROM events e WHERE e.day = d.day AND event_type = 'purchase') AS items,
    (SELECT coalesce(sum(money), 0) FROM events e WHERE e.day = d.day AND event_type = 'purchase') AS gross_revenue,
    (SELECT coalesce(sum(money), 0) FROM events e WHERE e.day = d.day) AS revenue
FROM (SELECT DISTINCT day FROM events) d
"""


def make_history(seed: int) -> list[dict[str, str]]:
    """Messages in the order in which they are received: with late ones, copies, messages without a session, orders that span
    midnight, and refunds of more than was paid."""
    rng = Random(seed)
    rows: list[tuple[float, dict[str, str]]] = []
    for customer in range(CUSTOMERS):
        for _ in range(rng.choice((1, 2, 5, 12))):
            types = ("refund",) if customer < REFUND_CUSTOMERS else TYPES
            rows += _make_visit(rng, f"c{customer}", FIRST + timedelta(days=rng.randrange(DAYS)), types)
    copies = [(arrives + rng.random() * 3, row) for arrives, row in rows if rng.random() < 0.05]
    return [row for _, row in sorted([*rows, *copies], key=lambda pair: pair[0])]


def _make_visit(rng: Random, customer: str, day: date, types: tuple[str, ...]) -> Iterator[tuple[float, dict[str, str]]]:
    """A visit may begin just before midnight. Its events are received at once or days later."""
    start = utc(day.year, day.month, day.day) + timedelta(seconds=rng.choice((rng.randrange(80_000), 86_390)))
    session = rng.choice(("", f"{customer}-{rng.randrange(10**6)}", f"{customer}-again"))
    order = rng.choice((None, f"o{rng.randrange(10**6)}"))
    for place in range(rng.randint(1, 6)):
        at = start + timedelta(seconds=7 * place)
        product = rng.randrange(9)
        row = {
            "event_time": f"{at:%Y-%m-%d %H:%M:%S} UTC",
            "event_type": rng.choice(types),
            "product_id": f"p{product}",
            "price": rng.choice((f"{product + 1}9.90", f"{rng.randrange(100, 99_999) / 100:.2f}")),
            "user_id": customer,
            "user_session": session,
        }
        row |= {name: value for name, value in zip(("category_code", "brand"), KINDS_OF_THINGS[product], strict=True) if value}
        if order and row["event_type"] in MONEY_TYPES:
            row["order_id"] = order
        if row["event_type"] in MONEY_TYPES and rng.random() < 0.3:
            row["amount"] = f"{rng.randrange(100, 199_999) / 100:.2f}"
            if row["event_type"] == "refund" and rng.random() < 0.5:
                del row["price"]
        if rng.random() < 0.2:
            row["quantity"] = str(rng.randint(1, 4))
        if rng.random() < 0.1:
            row["event_id"] = f"given-{rng.randrange(30)}"  # some ids are used twice by mistake
        yield (at - utc(2019, 1, 1)).total_seconds() / 86_400 + rng.choice((0, 0, 0, 2.5)), row


@dataclass(frozen=True)
class Readings:
    """Both readings of one history: Spark's frames, and the tables in DuckDB."""

    customer_day: DataFrame
    interactions: DataFrame
    kpi_day: DataFrame
    customers: DataFrame
    tables: dict[str, DataFrame]
    duck: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def readings(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readings]:
    rows = make_history(1)
    values = [
        (bytearray(json.dumps(row).encode()), "events.raw", 0, place, utc(2019, 12, 1) + timedelta(seconds=place))
        for place, row in enumerate(rows)
    ]
    schema = "value binary, topic string, partition int, offset bigint, timestamp timestamp"
    # More than one task, so that partial counts are merged.
    once = (
        deduplicate(select_events(parse(spark.createDataFrame(values, schema).repartition(3))))
        .repartition(2, "customer_id")
        .persist()
    )
    days, things = build_customer_days(once).persist(), build_interactions(once).persist()
    shop = make_shop_rows(Random(2), [f"c{number}" for number in range(CUSTOMERS)], AS_OF)
    accounts = build_accounts({name: spark.createDataFrame(table) for name, table in make_tables(shop).items()})
    snapshot = build_snapshot(aggregate_customers(days, things, AS_OF).persist(), AS_OF, accounts).persist()
    tables = _build_tables(once, days, snapshot)
    settings = load({"CDP_HDFS_URL": f"file:{tmp_path_factory.mktemp('tables')}"})
    write_days(days, settings, paths.CUSTOMER_DAY, [row.day for row in days.select("day").distinct().collect()])
    new = spark.createDataFrame(list(count_newcomers(settings).items()), "day date, new_customers int")
    kpis = build_kpi_days(once, days).join(new, "day", "left").fillna(0, ["new_customers"])
    yield Readings(days, things, kpis, snapshot, tables, _load_duckdb(rows, shop))
    for frame in (snapshot, days, things, once):
        frame.unpersist()


def _build_tables(events: DataFrame, days: DataFrame, snapshot: DataFrame) -> dict[str, DataFrame]:
    things = build_thing_days(events)
    return {
        **{name: things.where(F.col("table") == name) for name in ("product_day", "category_day", "brand_day")},
        "hour_day": build_hour_days(events),
        "order_value_day": build_order_value_days(events),
        "cohort_month": build_cohort_months(days, AS_OF),
        "rfm_day": build_rfm_day(snapshot, AS_OF),
        "rfm_flow": build_rfm_flow(snapshot, AS_OF),
    }


def _load_duckdb(rows: list[dict[str, str]], shop: ShopRows) -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect()
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in FIELDS}
    duck.register("messages", pa.table({"place": pa.array(range(len(rows))), **columns}))
    read_events(duck)
    duck.execute(CUSTOMER_DAY_SQL)
    for table, columns in SHOP_COLUMNS.items():
        duck.execute(f"CREATE TABLE shop_{table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        values = [[row[name] for name in columns] for row in shop[table]]
        duck.executemany(f"INSERT INTO shop_{table} VALUES ({', '.join('?' * len(columns))})", values)
    duck.execute(f"CREATE TABLE again AS {customers_sql(AS_OF, has_shop=True)}")
    return duck


def read_spark(frame: DataFrame, key: tuple[str, ...]) -> Rows:
    return _by_key([row.asDict() for row in frame.collect()], key)


def read_duckdb(duck: duckdb.DuckDBPyConnection, sql: str, key: tuple[str, ...]) -> Rows:
    result = duck.execute(sql)
    names = [column[0] for column in result.description or ()]
    return _by_key([dict(zip(names, row, strict=True)) for row in result.fetchall()], key)


def _by_key(rows: list[dict[str, Any]], key: tuple[str, ...]) -> Rows:
    by_key = {tuple(row[name] for name in key): {name: _normalise(value) for name, value in row.items()} for row in rows}
    assert len(by_key) == len(rows), f"two rows with the same {key}"
    return by_key


def _normalise(value: Any) -> Any:
    """The value in a form that both stores share. Floats are refused: money must never be one."""
    assert not isinstance(value, float), value
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return value.normalize() if isinstance(value, Decimal) else value


def test_history_contains_the_special_cases() -> None:
    rows = make_history(1)
    times = [row["event_time"] for row in rows]
    assert times != sorted(times), "late events"
    assert len({json.dumps(row) for row in rows}) < len(rows), "copies"
    assert any(row["user_session"] == "" for row in rows), "events without a session"
    days = {
        (row["user_session"], row["event_time"][:10]) for row in rows if row["event_type"] == "purchase" and row["user_session"]
    }
    assert len(days) > len({session for session, _ in days}), "orders that span midnight"
    assert max(times) > AS_OF.isoformat() + "Z", "events after the day"
    refunds = [row for row in rows if row["event_type"] == "refund"]
    assert len({("order_id" in row, "amount" in row) for row in refunds}) == 4, "refunds with and without each"
    assert any("price" not in row for row in refunds), "refunds with only an amount"
    assert any("amount" in row for row in rows if row["event_type"] == "purchase"), "purchases with an amount"
    assert len(rows) > 2000


def test_customer_day_agrees(readings: Readings) -> None:
    sql = f"SELECT {', '.join(CUSTOMER_DAY.column_names)} FROM customer_day"
    assert read_spark(readings.customer_day.drop("recent"), CUSTOMER_DAY.key) == read_duckdb(readings.duck, sql, CUSTOMER_DAY.key)


def test_kpi_day_agrees(readings: Readings) -> None:
    assert read_spark(readings.kpi_day, KPI_DAY.key) == read_duckdb(readings.duck, KPI_SQL, KPI_DAY.key)


def test_interactions_agree(readings: Readings) -> None:
    category = F.nullif(F.concat_ws(".", "category_1", "category_2", "category_3"), F.lit(""))
    rows = readings.interactions.withColumn("category", category).drop("category_1", "category_2", "category_3")
    assert read_spark(rows, INTERACTION_KEY) == read_duckdb(readings.duck, INTERACTIONS_SQL, INTERACTION_KEY)


def test_history_has_products_with_two_hours_and_two_prices_on_a_day(readings: Readings) -> None:
    products = f"""
        SELECT count(DISTINCT hour) AS hours, count(DISTINCT price) AS prices, max(events) AS events FROM ({INTERACTIONS_SQL})
        GROUP BY day, customer_id, event_type, product_id"""
    counts = f"SELECT count_if(hours > 1), count_if(prices > 1), count_if(events > 1) FROM ({products})"
    ((hours, prices, events),) = readings.duck.execute(counts).fetchall()
    assert min(hours, prices, events) >= 10


def test_every_metric_has_a_second_reading() -> None:
    assert sorted(READ) == sorted(BY_KEY)


def test_customers_agree(readings: Readings) -> None:
    """Every metric, computed in DuckDB from the events themselves, not from daily rows and interactions."""
    spark_rows = read_spark(readings.customers, (CUSTOMER_ID,))
    expected = read_duckdb(readings.duck, "FROM again", (CUSTOMER_ID,))
    assert set(spark_rows) == set(expected)
    assert {key: differences for key in BY_KEY if (differences := _find_differences(key, spark_rows, expected))} == {}
    for key in BY_KEY:
        values = {row[key] for row in spark_rows.values()}
        assert len(values) > 1, f"every customer has the same {key}"
    assert {row["recency_score"] for row in spark_rows.values()} == {None, 1, 2, 3, 4, 5}
    assert len({row["rfm_group"] for row in spark_rows.values()}) > 8
    assert min(row["total_purchase_value"] for row in spark_rows.values()) < 0, "refunds of a customer who never ordered"


def _find_differences(key: str, rows: Rows, expected: Rows) -> dict[tuple[Any, ...], tuple[Any, Any]]:
    return {
        customer: (row[key], expected[customer][key]) for customer, row in rows.items() if row[key] != expected[customer][key]
    }


@pytest.mark.parametrize("table", CHART_TABLES, ids=lambda table: table.name)
def test_chart_tables_agree(readings: Readings, table: Table) -> None:
    frame = readings.tables[table.name].select(*table.column_names)
    as_of = LAST if table.name in OF_DAYS else AS_OF
    rows, expected = read_spark(frame, table.key), read_duckdb(readings.duck, table_sql(table.name, as_of), table.key)
    assert rows == expected
    assert len(rows) >= 10
