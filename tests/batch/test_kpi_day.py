"""The shop's day: the funnel by sessions, new customers, and sums that agree with the customers'."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row

from batch.customer_day import customer_day
from batch.events import events_once
from batch.kpi_day import kpi_day, newcomers
from cdp.spark import COLUMN_TYPES
from cdp.warehouse import KPI_DAY
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

BUY, CART = {"event_type": "purchase"}, {"event_type": "cart"}
SECOND_DAY = {"event_time": utc(2019, 10, 2)}


def kpis(events: Events, *given: dict[str, Any]) -> dict[int, Row]:
    """Day of October -> its row."""
    once = events_once(events(*given)).persist()
    days = customer_day(once)
    return {row.day.day: row for row in kpi_day(once, days, newcomers(days)).collect()}


def test_columns_are_those_of_the_contract(events: Events) -> None:
    once = events_once(events({}))
    days = customer_day(once)
    contract = [(column.name, COLUMN_TYPES[column.kind].simpleString()) for column in KPI_DAY.columns]
    assert kpi_day(once, days, newcomers(days)).dtypes == contract


def test_funnel_counts_sessions(events: Events) -> None:
    looked, carted, bought = {"user_session": "a"}, {"user_session": "b"}, {"user_session": "c"}
    rows = kpis(events, looked, carted, CART | carted, bought, CART | bought, BUY | bought, BUY | {"user_session": "d"})
    day = rows[1]
    assert (day.sessions, day.sessions_with_view, day.sessions_with_cart, day.sessions_with_purchase) == (4, 3, 2, 2)


def test_cart_without_a_view_is_no_second_step(events: Events) -> None:
    assert kpis(events, CART)[1].sessions_with_cart == 0


def test_session_is_of_one_customer(events: Events) -> None:
    day = kpis(events, {}, CART | {"user_id": "bob"})[1]
    assert (day.sessions, day.sessions_with_view, day.sessions_with_cart) == (2, 1, 0)


def test_events_without_a_session_are_one_a_customer(events: Events) -> None:
    nameless = {"user_session": None}
    day = kpis(events, nameless, CART | nameless, nameless | {"user_id": "bob"})[1]
    assert (day.sessions, day.sessions_with_view, day.sessions_with_cart) == (2, 2, 1)


def test_customers_buyers_and_money(events: Events) -> None:
    day = kpis(events, {}, BUY | {"user_id": "bob", "quantity": 3}, BUY | {"user_id": "bob", "user_session": "s2"})[1]
    assert (day.events, day.customers, day.buyers, day.orders, day.items, day.revenue) == (3, 2, 1, 2, 4, Decimal("40.00"))


def test_customer_is_new_once(events: Events) -> None:
    rows = kpis(events, {}, SECOND_DAY, SECOND_DAY | {"user_id": "bob"})
    assert {day: row.new_customers for day, row in rows.items()} == {1: 1, 2: 1}


def test_day_that_is_nobodys_first_has_no_new_customers(events: Events) -> None:
    days = customer_day(events_once(events({}, SECOND_DAY)))
    assert {row.day: row.new_customers for row in newcomers(days).collect()} == {date(2019, 10, 1): 1}
    assert {day: row.new_customers for day, row in kpis(events, {}, SECOND_DAY).items()} == {1: 1, 2: 0}
