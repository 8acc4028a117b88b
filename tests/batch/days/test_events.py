"""Selecting days, and removing copies of events."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from batch.days.events import deduplicate, select_days, sum_events
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark


def test_copy_received_first_is_kept(events: Events) -> None:
    once = deduplicate(
        events(
            {"event_id": "x", "price": Decimal("2.00"), "received_at": utc(2019, 10, 1, 12, 2)},
            {"event_id": "x", "price": Decimal("1.00"), "received_at": utc(2019, 10, 1, 12, 1)},
        )
    )
    assert [(row.event_id, row.price) for row in once.collect()] == [("x", Decimal("1.00"))]


def test_lower_offset_is_first_if_copies_were_received_at_the_same_time(events: Events) -> None:
    once = deduplicate(events({"event_id": "x", "brand": "first"}, {"event_id": "x", "brand": "second"}))
    assert [row.brand for row in once.collect()] == ["first"]


def test_same_id_of_another_customer_or_day_is_another_event(events: Events) -> None:
    event = {"event_id": "x"}
    frame = events(event, event | {"user_id": "bob"}, event | {"event_time": utc(2019, 10, 2)})
    assert sorted((row.customer_id, row.day) for row in deduplicate(frame).collect()) == [
        ("ann", date(2019, 10, 1)),
        ("ann", date(2019, 10, 2)),
        ("bob", date(2019, 10, 1)),
    ]


def test_only_the_requested_days_are_selected(events: Events) -> None:
    frame = events(*({"event_time": utc(2019, 10, day)} for day in (1, 2, 3)))
    days = [date(2019, 10, 1), date(2019, 10, 3)]
    assert sorted(row.event_day for row in select_days(frame, days).collect()) == days


def test_money_of_a_day_is_net_of_refunds(events: Events) -> None:
    (row,) = sum_events(deduplicate(events({}, {"event_type": "purchase"}, {"event_type": "refund", "quantity": 3}))).collect()
    assert (row.events, row.money, row.lacking) == (3, Decimal("-20.00"), 0)
