"""The shop's day: the funnel by sessions, and sums that equal those over the customers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row

from batch.days.customer_day import build_customer_days
from batch.days.events import deduplicate
from batch.days.kpi_day import NEW, build_kpi_days
from cdp.kinds import KINDS
from cdp.mart.daily import KPI_DAY
from tests.batch.conftest import Events

pytestmark = pytest.mark.spark

BUY, CART, REFUND = {"event_type": "purchase"}, {"event_type": "cart"}, {"event_type": "refund"}


def build_kpis(events: Events, *rows: dict[str, Any]) -> dict[int, Row]:
    """Day of October -> its row."""
    once = deduplicate(events(*rows)).persist()
    days = build_customer_days(once)
    return {row.day.day: row for row in build_kpi_days(once, days).collect()}


def test_columns_are_those_of_the_contract(events: Events) -> None:
    once = deduplicate(events({}))
    days = build_customer_days(once)
    contract = [(column.name, KINDS[column.kind].spark) for column in KPI_DAY.columns if column.name != NEW]
    assert build_kpi_days(once, days).dtypes == contract


def test_funnel_counts_sessions(events: Events) -> None:
    a, b, c = ({"user_session": name} for name in "abc")
    rows = build_kpis(events, a, b, CART | b, c, CART | c, BUY | c, BUY | {"user_session": "d"})
    day = rows[1]
    assert (day.sessions, day.sessions_with_view, day.sessions_with_cart, day.sessions_with_purchase) == (4, 3, 2, 2)


def test_cart_without_a_view_is_not_the_second_step(events: Events) -> None:
    assert build_kpis(events, CART)[1].sessions_with_cart == 0


def test_equal_session_ids_of_two_customers_are_two_sessions(events: Events) -> None:
    day = build_kpis(events, {}, CART | {"user_id": "bob"})[1]
    assert (day.sessions, day.sessions_with_view, day.sessions_with_cart) == (2, 1, 0)


def test_events_without_a_session_are_one_session_per_customer(events: Events) -> None:
    nameless = {"user_session": None}
    day = build_kpis(events, nameless, CART | nameless, nameless | {"user_id": "bob"})[1]
    assert (day.sessions, day.sessions_with_view, day.sessions_with_cart) == (2, 2, 1)


def test_customers_buyers_and_money(events: Events) -> None:
    day = build_kpis(events, {}, BUY | {"user_id": "bob", "quantity": 3}, BUY | {"user_id": "bob", "user_session": "s2"})[1]
    assert (day.events, day.customers, day.buyers, day.orders, day.items, day.revenue) == (3, 2, 1, 2, 4, Decimal("40.00"))


def test_refunds_may_exceed_purchases_and_are_not_visits(events: Events) -> None:
    day = build_kpis(events, BUY, REFUND | {"user_id": "bob", "quantity": 3}, REFUND | {"user_id": "bob", "user_session": "s2"})[
        1
    ]
    assert (day.events, day.customers, day.buyers, day.sessions, day.sessions_with_purchase) == (3, 2, 1, 1, 1)
    assert (day.refunds, day.gross_revenue, day.revenue) == (2, Decimal("10.00"), Decimal("-30.00"))
