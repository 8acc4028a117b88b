from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cdp.metrics import LIFECYCLES
from cdp.metrics.rfm import RFM_GROUPS
from cdp_web.customers.advice import GROUP_ADVICE, LIFECYCLE_ADVICE
from cdp_web.customers.headlines import Cart, CartMove, find_cart, list_headlines

DAY = date(2019, 10, 31)


def move(event_type: str, days_ago: int = 0, hour: int = 12, product_id: str = "a", events: int = 1) -> CartMove:
    return CartMove(product_id, DAY - timedelta(days=days_ago), hour, event_type, events)


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([move("cart")], ("a",)),
        ([move("cart"), move("remove_from_cart")], ()),
        ([move("cart", events=2), move("remove_from_cart")], ("a",)),
        ([move("cart"), move("purchase")], ()),
        ([move("cart", hour=9), move("purchase", hour=10)], ()),
        ([move("purchase", days_ago=2), move("cart", days_ago=1)], ("a",)),
        ([move("cart", days_ago=30)], ()),
        ([move("cart", days_ago=29)], ("a",)),
        ([move("cart", product_id="b"), move("purchase", product_id="a")], ("b",)),
    ],
)
def test_cart_has_what_was_neither_removed_nor_bought(moves: list[CartMove], expected: tuple[str, ...]) -> None:
    assert find_cart(moves, DAY).products == expected


def buyer(order_days: int, first_days_ago: int, last_days_ago: int, **more: Any) -> dict[str, Any]:
    last = DAY - timedelta(days=last_days_ago)
    return {
        "total_purchase": order_days, "order_days": order_days, "first_order": DAY - timedelta(days=first_days_ago),
        "last_order": last, "last_seen": last, "days_since_order": last_days_ago, "days_since_seen": last_days_ago,
        "sessions": order_days, "total_purchase_value": Decimal("10.00"),
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("metrics", "key", "tone"),
    [
        (buyer(4, 85, 31), "late", "warn"),  # every 18 days
        (buyer(4, 74, 20), "rhythm", "good"),
        (buyer(3, 41, 15), "rhythm", "good"),  # every 13 days; 19.5 are late
        (buyer(3, 46, 20), "late", "warn"),
        (buyer(2, 40, 30), "orders", "plain"),
        (buyer(1, 20, 20), "one-order-silent", "warn"),
        (buyer(1, 6, 6), "orders", "plain"),
        (buyer(1, 20, 20, last_seen=DAY), "one-order-back", "plain"),
        (buyer(2, 9, 9, refund_value=Decimal("20.00"), total_purchase_value=Decimal("0.00")), "refunds", "warn"),
        ({"total_purchase": 0, "sessions": 3, "days_since_seen": 1}, "no-order", "plain"),
        ({"total_purchase": 0, "sessions": 0, "days_since_seen": 0}, "seen", "plain"),
    ],
)
def test_most_useful_fact_comes_first(metrics: dict[str, Any], key: str, tone: str) -> None:
    first = list_headlines(metrics, Cart(), DAY)[0]
    assert (first.key, first.tone) == (key, tone)


def test_a_rhythm_names_its_numbers() -> None:
    text = list_headlines(buyer(4, 85, 31), Cart(), DAY)[0].text
    assert "18 days" in text
    assert "31 days" in text


def test_a_cart_comes_before_everything_else() -> None:
    headlines = list_headlines(buyer(4, 85, 31), Cart(("a", "b"), DAY - timedelta(days=3)), DAY)
    assert [headlines[0].key, headlines[1].key] == ["cart", "late"]
    assert "2 products" in headlines[0].text


def test_each_lifecycle_and_group_has_advice() -> None:
    assert set(LIFECYCLE_ADVICE) == set(LIFECYCLES)
    assert set(GROUP_ADVICE) == {group.name for group in RFM_GROUPS}
