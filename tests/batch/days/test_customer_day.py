"""One customer's day in numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row

from batch.days.customer_day import RECENT, build_customer_days
from batch.days.events import deduplicate
from cdp.kinds import KINDS
from cdp.mart.daily import CUSTOMER_DAY
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

BUY = {"event_type": "purchase"}
REFUND = {"event_type": "refund"}


def at(hour: int, minute: int = 0) -> dict[str, Any]:
    return {"event_time": utc(2019, 10, 1, hour, minute)}


def row_of(events: Events, *rows: dict[str, Any]) -> Row:
    (row,) = build_customer_days(deduplicate(events(*rows))).collect()
    return row


def test_columns_are_those_of_the_contract(events: Events) -> None:
    frame = build_customer_days(deduplicate(events({})))
    contract = [(column.name, KINDS[column.kind].spark) for column in CUSTOMER_DAY.columns]
    assert frame.dtypes[:-1] == contract
    assert frame.columns[-1] == "recent"


def test_day_without_a_purchase_has_no_order(events: Events) -> None:
    row = row_of(events, at(9), at(11) | {"event_type": "cart"}, at(10) | {"event_type": "remove_from_cart"})
    assert (row.first_time, row.last_time) == (utc(2019, 10, 1, 9), utc(2019, 10, 1, 11))
    assert (row.views, row.carts, row.removals, row.orders, row.items, row.revenue) == (1, 1, 1, 0, 0, Decimal(0))
    assert (row.min_order_value, row.max_order_value) == (None, None)


def test_purchases_of_one_session_are_one_order(events: Events) -> None:
    row = row_of(events, BUY | {"quantity": 2}, BUY | {"price": Decimal("5.50")}, BUY | {"user_session": "s2"})
    assert (row.orders, row.items, row.revenue) == (2, 4, Decimal("35.50"))
    assert (row.min_order_value, row.max_order_value) == (Decimal("10.00"), Decimal("25.50"))


def test_events_without_a_session_count_as_one_more_session(events: Events) -> None:
    assert row_of(events, {}, {"user_session": "s2"}, {"user_session": None}, {"user_session": None}).sessions == 3
    assert row_of(events, {"user_session": None}).sessions == 1


def test_refund_lowers_revenue_and_does_not_change_orders(events: Events) -> None:
    row = row_of(events, BUY | {"quantity": 2}, BUY | {"user_session": "s2"}, REFUND, REFUND | {"order_id": "o", "quantity": 3})
    assert (row.refunds, row.gross_revenue, row.revenue) == (2, Decimal("30.00"), Decimal("-10.00"))
    assert (row.orders, row.items, row.min_order_value, row.max_order_value) == (2, 3, Decimal("10.00"), Decimal("20.00"))


def test_refund_is_an_event_but_not_a_session(events: Events) -> None:
    row = row_of(events, REFUND | at(9), REFUND | at(10) | {"user_session": None})
    assert (row.sessions, row.orders, row.gross_revenue, row.revenue) == (0, 0, Decimal("0.00"), Decimal("-20.00"))
    assert (row.first_time, row.last_time) == (utc(2019, 10, 1, 9), utc(2019, 10, 1, 10))
    assert row_of(events, {}, REFUND | {"user_session": None}, REFUND | {"user_session": "s2"}).sessions == 1


def test_order_that_spans_midnight_counts_on_both_days(events: Events) -> None:
    night = [BUY | {"event_time": utc(2019, 10, 1, 23, 59)}, BUY | {"event_time": utc(2019, 10, 2, 0, 1)}]
    rows = build_customer_days(deduplicate(events(*night))).collect()
    assert sorted((row.day, row.orders, row.revenue) for row in rows) == [
        (date(2019, 10, 1), 1, Decimal("10.00")),
        (date(2019, 10, 2), 1, Decimal("10.00")),
    ]


def test_recent_has_the_latest_events_newest_first(events: Events) -> None:
    row = row_of(events, *(at(1, minute) for minute in range(RECENT + 5)))
    assert [event.time.minute for event in row.recent] == list(range(RECENT + 4, 4, -1))
    assert row.recent[0].asDict() == {
        "time": utc(2019, 10, 1, 1, RECENT + 4), "type": "view", "product_id": "p1",
        "category_code": "electronics.smartphone", "brand": "samsung", "price": Decimal("10.00"), "quantity": 1,
        "revenue": None,
    }  # fmt: skip
