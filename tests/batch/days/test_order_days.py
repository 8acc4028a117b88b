"""Hours of a day and orders by value: the hour of an order, the range of a value, and the sums."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row

from batch.days.events import deduplicate
from batch.days.order_days import build_hour_days, build_order_value_days
from cdp.mart.charts import HOUR_DAY, ORDER_VALUE_BOUNDS, ORDER_VALUE_DAY
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

BUY: dict[str, Any] = {"event_type": "purchase"}
REFUND: dict[str, Any] = {"event_type": "refund"}


def at(hour: int, minute: int = 0, day: int = 1) -> dict[str, Any]:
    return {"event_time": utc(2019, 10, day, hour, minute)}


def compute_hours(events: Events, *rows: dict[str, Any]) -> dict[tuple[int, int], Row]:
    """Day of October, hour -> row."""
    frame = build_hour_days(deduplicate(events(*rows)))
    assert set(frame.columns) == set(HOUR_DAY.column_names)
    return {(row.day.day, row.hour): row for row in frame.collect()}


def test_order_counts_in_the_hour_of_its_first_purchase_and_money_in_its_own_hour(events: Events) -> None:
    rows = compute_hours(events, BUY | at(11, 1) | {"quantity": 2}, BUY | at(10, 59), BUY | at(11, 30) | {"user_session": "s2"})
    assert {key: (row.orders, row.items, row.revenue) for key, row in rows.items()} == {
        (1, 10): (1, 1, Decimal("10.00")),
        (1, 11): (1, 3, Decimal("30.00")),
    }


def test_hour_in_which_an_order_only_continues_has_no_order(events: Events) -> None:
    rows = compute_hours(events, BUY | at(10), BUY | at(12))
    assert {key: (row.orders, row.items) for key, row in rows.items()} == {(1, 10): (1, 1), (1, 12): (0, 1)}


def test_order_that_spans_midnight_counts_on_both_days(events: Events) -> None:
    rows = compute_hours(events, BUY | at(23, 59), BUY | at(0, 0, day=2))
    assert {key: (row.orders, row.revenue) for key, row in rows.items()} == {
        (1, 23): (1, Decimal("10.00")),
        (2, 0): (1, Decimal("10.00")),
    }


def test_customers_are_distinct_in_their_hour_and_empty_hours_have_no_row(events: Events) -> None:
    cart, removal = {"event_type": "cart"}, {"event_type": "remove_from_cart"}
    rows = compute_hours(events, at(9), cart | at(9), removal | at(9, 59), at(9) | {"user_id": "bob"}, at(15))
    assert {key: (row.events, row.customers, row.views, row.carts, row.removals) for key, row in rows.items()} == {
        (1, 9): (4, 2, 2, 1, 1),
        (1, 15): (1, 1, 1, 0, 0),
    }
    assert (rows[1, 9].orders, rows[1, 9].items, rows[1, 9].revenue) == (0, 0, Decimal("0.00"))


def test_refund_counts_in_its_own_hour(events: Events) -> None:
    rows = compute_hours(events, BUY | at(10), REFUND | at(12) | {"order_id": "s:s1"})
    assert {key: (row.orders, row.refunds, row.gross_revenue, row.revenue) for key, row in rows.items()} == {
        (1, 10): (1, 0, Decimal("10.00"), Decimal("10.00")),
        (1, 12): (0, 1, Decimal("0.00"), Decimal("-10.00")),
    }


def compute_ranges(events: Events, *rows: dict[str, Any]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    frame = build_order_value_days(deduplicate(events(*rows)))
    assert set(frame.columns) == set(ORDER_VALUE_DAY.column_names)
    return {(row.day.day, row.from_value, row.to_value): (row.orders, row.revenue) for row in frame.collect()}


def buy(session: str, price: str, **fields: Any) -> dict[str, Any]:
    return BUY | {"user_session": session, "price": Decimal(price)} | fields


def test_each_bound_is_about_twice_the_one_before() -> None:
    assert ORDER_VALUE_BOUNDS[:8] == (0, 1, 2, 5, 10, 20, 50, 100)
    assert ORDER_VALUE_BOUNDS[-2:] == (500_000_000, 1_000_000_000)
    assert sorted(set(ORDER_VALUE_BOUNDS)) == list(ORDER_VALUE_BOUNDS)


def test_value_on_a_bound_is_in_the_next_range(events: Events) -> None:
    """A refund does not move the order to another range."""
    orders = (buy("a", "9.99"), buy("b", "10.00"), buy("c", "10.00"), buy("d", "19.99"), buy("e", "0.00"))
    assert compute_ranges(events, *orders, {}, REFUND | {"order_id": "s:a"}) == {
        (1, 0, 1): (1, Decimal("0.00")),
        (1, 5, 10): (1, Decimal("9.99")),
        (1, 10, 20): (3, Decimal("39.99")),
    }


def test_last_range_has_no_end(events: Events) -> None:
    assert compute_ranges(events, buy("a", "9999999999.99")) == {(1, 1_000_000_000, None): (1, Decimal("9999999999.99"))}


def test_value_is_that_of_all_lines_of_the_order_on_the_day(events: Events) -> None:
    """Four pieces at 3 and one at 9 are one order of 21. The line after midnight is another order."""
    first = (buy("a", "3.00", quantity=4), buy("a", "9.00"), buy("a", "4.00") | at(0, 5, day=2))
    assert compute_ranges(events, *first, buy("a", "30.00", user_id="bob")) == {
        (1, 20, 50): (2, Decimal("51.00")),
        (2, 2, 5): (1, Decimal("4.00")),
    }
