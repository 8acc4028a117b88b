from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from cdp_web.customers.profiles import ProfileEvent
from cdp_web.customers.timeline import build_timeline, list_types

NOON = datetime(2019, 10, 31, 12, tzinfo=UTC)


def event(minutes_before: int, type: str = "view", revenue: str | None = None) -> ProfileEvent:
    money = Decimal(revenue) if revenue else None
    return ProfileEvent(NOON - timedelta(minutes=minutes_before), type, "1", None, None, Decimal("5.00"), 1, money)


def test_a_pause_of_more_than_half_an_hour_ends_a_visit() -> None:
    (day,) = build_timeline([event(0), event(30), event(61)])
    assert [(visit.begin, visit.end) for visit in day.visits] == [
        (NOON - timedelta(minutes=30), NOON),
        (NOON - timedelta(minutes=61), NOON - timedelta(minutes=61)),
    ]


def test_days_are_apart_and_newest_first() -> None:
    days = build_timeline([event(0), event(24 * 60)])
    assert [day.day.day for day in days] == [31, 30]


def test_a_refund_is_no_part_of_a_visit_and_not_spent() -> None:
    (day,) = build_timeline([event(0, "refund", "-5.00"), event(1, "purchase", "5.00"), event(2, "purchase", "7.00")])
    assert [(visit.is_refund, visit.spent) for visit in day.visits] == [(True, Decimal(0)), (False, Decimal("12.00"))]


def test_types_appear_once() -> None:
    assert list_types([event(0), event(1, "cart"), event(2)]) == ["view", "cart"]


def test_no_events() -> None:
    assert build_timeline([]) == []
