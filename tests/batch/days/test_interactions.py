"""Interactions, and the metrics of a customer's things that are computed from them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from batch.customers.snapshot import aggregate_customers, build_snapshot
from batch.customers.things import build_things
from batch.days.customer_day import build_customer_days
from batch.days.events import deduplicate
from batch.days.interactions import build_interactions
from cdp.lake.tables import INTERACTIONS_TABLE
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

PHONE = {"category_1": "electronics", "category_2": "smartphone", "brand": "samsung"}
SHOE = {"product_id": "p2", "category_1": "apparel", "brand": "acme", "price": Decimal("5.00")}
BUY: dict[str, Any] = {"event_type": "purchase"}
REFUND: dict[str, Any] = {"event_type": "refund"}

#: Ann views the phone twice and buys it in two orders, one with two lines. She puts the shoe into the cart on the next day.
VISITS = (
    PHONE, PHONE, PHONE | BUY | {"quantity": 2}, PHONE | BUY, PHONE | BUY | {"user_session": "s2"},
    SHOE | {"event_time": utc(2019, 10, 2), "event_type": "cart"}, SHOE | {"event_time": utc(2019, 10, 2)},
)  # fmt: skip


def test_one_row_per_day_type_and_product(events: Events) -> None:
    frame = build_interactions(deduplicate(events(*VISITS)))
    assert frame.dtypes == [(name, kind.replace(" ", "")) for name, kind in INTERACTIONS_TABLE.columns.items()]
    rows = {(row.day.day, row.event_type, row.product_id): row for row in frame.collect()}
    assert {key: (row.events, row.quantity, row.money) for key, row in rows.items()} == {
        (1, "view", "p1"): (2, 2, Decimal("0.00")),
        (1, "purchase", "p1"): (3, 4, Decimal("40.00")),
        (2, "cart", "p2"): (1, 1, Decimal("0.00")),
        (2, "view", "p2"): (1, 1, Decimal("0.00")),
    }
    purchases = rows[1, "purchase", "p1"]
    assert (purchases.category_1, purchases.category_2, purchases.category_3, purchases.brand) == (
        "electronics",
        "smartphone",
        None,
        "samsung",
    )


def test_each_hour_and_price_of_a_product_has_a_row_and_a_missing_price_is_one_of_them(events: Events) -> None:
    ten, twelve = Decimal("10.00"), Decimal("12.00")
    views = (
        (utc(2019, 10, 1, 0, 0), ten), (utc(2019, 10, 1, 9, 59, 59), ten), (utc(2019, 10, 1, 10, 0), ten),
        (utc(2019, 10, 1, 10, 5), twelve), (utc(2019, 10, 1, 10, 7), ten), (utc(2019, 10, 1, 10, 30), None),
        (utc(2019, 10, 1, 10, 59, 59), None), (utc(2019, 10, 1, 23, 59, 59), twelve),
    )  # fmt: skip
    frame = build_interactions(deduplicate(events(*({"event_time": time, "price": price} for time, price in views))))
    rows = frame.collect()
    assert {(row.day.day, row.hour, row.price): row.events for row in rows} == {
        (1, 0, ten): 1, (1, 9, ten): 1, (1, 10, ten): 2, (1, 10, twelve): 1, (1, 10, None): 2, (1, 23, twelve): 1,
    }  # fmt: skip
    assert len(rows) == 6
    ann = {(row.thing, row.name): row.views for row in build_things(frame, date(2019, 10, 1)).collect()}
    assert ann == {("product", "p1"): 8, ("brand", "samsung"): 8}


def test_metrics_of_things_and_ties(events: Events) -> None:
    """Bob views both brands once and buys nothing: the alphabet decides. For cid the brand that he bought wins. Dan's things have
    no category and no brand. Eve returns the phone and keeps the shoe."""
    bare = {"user_id": "dan", "brand": None}
    rows = (
        *VISITS,
        SHOE | {"user_id": "bob"}, PHONE | {"user_id": "bob"},
        SHOE | {"user_id": "cid"}, PHONE | {"user_id": "cid"}, PHONE | BUY | {"user_id": "cid"},
        PHONE | BUY | {"user_id": "eve"}, SHOE | BUY | {"user_id": "eve"}, PHONE | REFUND | {"user_id": "eve"},
        bare, bare | {"event_time": utc(2019, 10, 3), "product_id": "p9"},
    )  # fmt: skip
    once = deduplicate(events(*rows)).persist()
    days = build_customer_days(once).persist()
    aggregates = aggregate_customers(days, build_interactions(once), date(2019, 10, 2)).persist()
    customers = {row.customer_id: row for row in build_snapshot(aggregates, date(2019, 10, 2)).collect()}
    ann, bob, cid, dan, eve = (customers[name] for name in ("ann", "bob", "cid", "dan", "eve"))
    assert (ann.products_viewed, ann.products_carted, ann.products_bought) == (2, 1, 1)
    assert (ann.view_to_cart_rate, ann.cart_to_order_rate) == (Decimal("0.500000"), Decimal("0.000000"))
    assert (ann.favourite_category_by_views, ann.favourite_brand_by_money) == ("electronics.smartphone", "samsung")
    assert (bob.favourite_brand_by_views, bob.favourite_category_by_views) == ("acme", "apparel")
    assert (bob.favourite_brand_by_money, bob.cart_to_order_rate) == (None, None)
    assert (cid.favourite_brand_by_views, cid.favourite_brand_by_money) == ("samsung", "samsung")
    assert (eve.favourite_brand_by_money, eve.favourite_category_by_money, eve.products_bought) == ("acme", "apparel", 2)
    assert (eve.gross_purchase_value, eve.total_purchase_value) == (Decimal("15.00"), Decimal("5.00"))
    assert (eve.refunds, eve.refund_value, eve.avg_purchase_value) == (1, Decimal("10.00"), Decimal("15.00"))
    # The third day is after the published one.
    assert (dan.products_viewed, dan.categories_viewed, dan.favourite_brand_by_views) == (1, 0, None)
    assert (bob.rfm_group, bob.recency_score) == (None, None)
    assert (ann.frequency_score, cid.frequency_score, ann.rfm_group) == (4, 1, "Cannot lose them")
