"""Products, categories and brands of a day: distinct counts, sums, and things without a name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row

from batch.days.events import deduplicate
from batch.days.thing_days import TABLES, build_thing_days
from cdp.mart.charts import BRAND_DAY, CATEGORY_DAY, PRODUCT_DAY
from cdp.mart.table import Table
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

PHONE = {"product_id": "phone", "category_1": "electronics", "category_2": "smartphone", "brand": "samsung"}
CABLE = {"product_id": "cable", "category_1": "electronics", "category_2": "audio", "category_3": "cable", "brand": "acme"}
SHOE = {"product_id": "shoe", "category_1": "apparel", "brand": "acme"}
BARE = {"product_id": "bare", "brand": None}
BUY: dict[str, Any] = {"event_type": "purchase"}
Rows = dict[tuple[Any, ...], Row]


def compute_rows(events: Events, table: Table, *rows: dict[str, Any]) -> Rows:
    """Key -> row. The key has no day if all rows are of one day."""
    frame = build_thing_days(deduplicate(events(*rows))).where(f"table = '{table.name}'")
    days = {row.day for row in frame.select("day").collect()}
    key = table.key if len(days) > 1 else table.key[1:]
    return {tuple(row[name] for name in key): row for row in frame.select(*table.column_names).collect()}


def test_counts_of_a_product(events: Events) -> None:
    cart, removal, refund = ({"event_type": name} for name in ("cart", "remove_from_cart", "refund"))
    visits = (
        PHONE,
        PHONE,
        PHONE | cart,
        PHONE | removal,
        PHONE | {"user_id": "bob"},
        PHONE | BUY | {"quantity": 3},
        PHONE | refund,
    )
    (row,) = compute_rows(events, PRODUCT_DAY, *visits).values()
    assert (row.views, row.carts, row.removals, row.customers, row.buyers) == (3, 1, 1, 2, 1)
    assert (row.orders, row.items, row.gross_revenue) == (1, 3, Decimal("30.00"))
    assert (row.refunds, row.revenue) == (1, Decimal("20.00"))


def test_order_counts_once_for_each_of_its_things(events: Events) -> None:
    """Ann buys three things in one order and one of them in a second order. Bob's order has the same session id as Ann's."""
    visits = (PHONE | BUY, CABLE | BUY, SHOE | BUY, SHOE | BUY | {"user_session": "s2"}, SHOE | BUY | {"user_id": "bob"})
    brands = compute_rows(events, BRAND_DAY, *visits)
    assert {key: (row.orders, row.buyers, row.items) for key, row in brands.items()} == {
        ("samsung",): (1, 1, 1),
        ("acme",): (3, 2, 4),
    }
    categories = compute_rows(events, CATEGORY_DAY, *visits)
    assert {key: row.orders for key, row in categories.items()} == {
        (1, "electronics"): 1,
        (1, "apparel"): 3,
        (2, "electronics.smartphone"): 1,
        (2, "electronics.audio"): 1,
        (2, "apparel"): 3,
        (3, "electronics.smartphone"): 1,
        (3, "electronics.audio.cable"): 1,
        (3, "apparel"): 3,
    }


def test_things_without_a_name_have_a_row_so_that_money_adds_up(events: Events) -> None:
    visits = (BARE | BUY, BARE, SHOE | BUY, PHONE | {"user_id": "bob"})
    products, brands = compute_rows(events, PRODUCT_DAY, *visits), compute_rows(events, BRAND_DAY, *visits)
    assert set(products) == {("bare", "", ""), ("shoe", "apparel", "acme"), ("phone", "electronics.smartphone", "samsung")}
    assert {key: row.revenue for key, row in brands.items()} == {
        ("",): Decimal("10.00"),
        ("acme",): Decimal("10.00"),
        ("samsung",): Decimal("0.00"),
    }
    categories = compute_rows(events, CATEGORY_DAY, *visits)
    for level in (1, 2, 3):
        of_level = [row for row in categories.values() if row.level == level]
        assert (sum(row.revenue for row in of_level), sum(row.views for row in of_level)) == (Decimal("20.00"), 2)
        assert categories[level, ""].items == 1


def test_product_with_two_names_has_two_rows(events: Events) -> None:
    products = compute_rows(events, PRODUCT_DAY, PHONE, PHONE | {"brand": "samsung mobile"}, PHONE | {"category_2": None})
    assert {key: row.views for key, row in products.items()} == {
        ("phone", "electronics.smartphone", "samsung"): 1,
        ("phone", "electronics.smartphone", "samsung mobile"): 1,
        ("phone", "electronics", "samsung"): 1,
    }


def test_empty_level_is_skipped(events: Events) -> None:
    categories = compute_rows(events, CATEGORY_DAY, {"category_1": "zoo", "category_3": "cat"})
    assert set(categories) == {(1, "zoo"), (2, "zoo"), (3, "zoo.cat")}


def test_order_that_spans_midnight_counts_on_both_days(events: Events) -> None:
    late, early = {"event_time": utc(2019, 10, 1, 23, 59)}, {"event_time": utc(2019, 10, 2, 0, 1)}
    brands = compute_rows(events, BRAND_DAY, PHONE | BUY | late, PHONE | BUY | early | {"quantity": 2})
    assert {day.day: (row.orders, row.items) for (day, _), row in brands.items()} == {1: (1, 1), 2: (1, 2)}


def test_copy_of_an_event_counts_once(events: Events) -> None:
    (row,) = compute_rows(events, PRODUCT_DAY, PHONE | BUY | {"event_id": "e"}, PHONE | BUY | {"event_id": "e"}).values()
    assert (row.items, row.revenue) == (1, Decimal("10.00"))


def test_each_row_belongs_to_one_of_the_tables(events: Events) -> None:
    frame = build_thing_days(deduplicate(events(PHONE, BARE | BUY)))
    assert {row.table for row in frame.collect()} == {table.name for table in TABLES}
    for table in TABLES:
        assert set(table.column_names) <= set(frame.columns)
