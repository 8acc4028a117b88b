"""A made-up shop whose chart tables, customers and interactions come from the second reading in tests/oracle, so a page can be
compared with all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pyarrow as pa
from django.db import connection

from cdp.rules import to_sql
from cdp_web.segments.evaluate import evaluation_open
from cdp_web.segments.rules import references_read, rule_read
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import snapshot_open
from tests.oracle.customers import customers_sql
from tests.oracle.events import FIELDS, read_events
from tests.oracle.tables import table_sql

FIRST, AS_OF = date(2019, 9, 10), date(2019, 11, 20)
TABLES = ("product_day", "category_day", "brand_day", "cohort_month", "rfm_day", "rfm_flow")
#: Category and brand of each product: one to three levels, or none.
PRODUCTS = (
    ("electronics.smartphone", "acme"), ("electronics.smartphone", "bolt"), ("electronics.audio.headphone", "acme"),
    ("electronics", "bolt"), ("apparel.shoes", None), ("apparel", "celik"), (None, "bolt"), (None, None),
)  # fmt: skip
TYPES = (*["view"] * 6, *["cart"] * 3, *["purchase"] * 3, "refund")

_INTERACTIONS = """
    SELECT user_id AS customer_id, day, CAST(hour(moment) AS INTEGER) AS hour, event_type, product_id,
        nullif(code[1], '') AS category_1, nullif(code[2], '') AS category_2, nullif(code[3], '') AS category_3, brand, price,
        count(*) AS events, sum(units) AS quantity, coalesce(sum(money), 0) AS money
    FROM events GROUP BY ALL"""
_KPI_DAYS = """
    SELECT day, count(*) FILTER (event_type = 'view') AS views, count(*) FILTER (event_type = 'cart') AS carts,
        coalesce(sum(units) FILTER (event_type = 'purchase'), 0) AS items,
        coalesce(sum(money) FILTER (event_type = 'purchase'), 0) AS gross_revenue, coalesce(sum(money), 0) AS revenue
    FROM events GROUP BY day"""


@dataclass(frozen=True, slots=True)
class World:
    customers: list[dict[str, Any]]
    interactions: list[dict[str, Any]]
    tables: dict[str, list[dict[str, Any]]]


def make_world(seed: int = 7, customers: int = 120) -> World:
    duck = duckdb.connect()
    columns = [("place", pa.int64()), *((name, pa.string()) for name in FIELDS)]
    duck.register("rows", pa.Table.from_pylist(list(_make_messages(Random(seed), customers)), pa.schema(columns)))
    duck.execute("CREATE TABLE messages AS SELECT * FROM rows")
    read_events(duck)
    duck.execute(f"CREATE TABLE again AS {customers_sql(AS_OF)}")
    tables = {name: _read(duck, table_sql(name, AS_OF)) for name in TABLES} | {"kpi_day": _read(duck, _KPI_DAYS)}
    return World(_read(duck, "SELECT * FROM again"), _read(duck, _INTERACTIONS), tables)


def _make_messages(random: Random, customers: int) -> Any:
    """Visits of a few events; some customers come once, others for weeks."""
    place = 0
    for number in range(customers):
        first = FIRST + timedelta(days=random.randrange((AS_OF - FIRST).days))
        for _ in range(random.choice((1, 1, 2, 4, 8))):
            day = first + timedelta(days=int(random.expovariate(1 / 12)))
            moment = datetime(day.year, day.month, day.day, random.randrange(24), random.randrange(60), tzinfo=UTC)
            for _ in range(random.randint(1, 5) if day <= AS_OF else 0):
                place += 1
                yield _make_message(random, place, number, moment)


def _make_message(random: Random, place: int, customer: int, moment: datetime) -> dict[str, Any]:
    product = min(int(random.expovariate(0.5)), len(PRODUCTS) - 1)
    category, brand = PRODUCTS[product]
    return {
        "place": place, "event_time": f"{moment:%Y-%m-%d %H:%M:%S} UTC", "event_type": random.choice(TYPES),
        "product_id": str(1000 + product), "category_code": category, "brand": brand, "price": f"{10 + 7 * product}.50",
        "user_id": str(500 + customer), "user_session": f"{customer}-{moment:%m%d}", "quantity": str(random.choice((1, 1, 2))),
        "order_id": None, "amount": None, "event_id": str(place),
    }  # fmt: skip


def _read(duck: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = duck.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def insert(table: str, rows: Sequence[dict[str, Any]]) -> None:
    names = list(rows[0])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO mart.{table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})",
            [list(row.values()) for row in rows],
        )


def count_customers(link: str, publication: Publication) -> int:
    """The customers behind a link, counted by the site's own evaluation of rules."""
    rule = rule_read(json.loads(parse_qs(urlsplit(link).query)["rule"][0]))
    with evaluation_open(snapshot_open(publication), rule, references_read(rule), seconds=10) as evaluation:
        return int(evaluation.session.read_row(f"SELECT count(*) FROM ({to_sql(rule, evaluation.source)})")[0])
