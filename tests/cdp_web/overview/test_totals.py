from __future__ import annotations

from datetime import date, timedelta

import pytest

from cdp_web.overview.periods import Period
from cdp_web.overview.selectors import CustomerCounts, KpiDay
from cdp_web.overview.totals import build_points, choose_step, split_period

DAY = date(2019, 11, 30)


@pytest.mark.parametrize(("days", "step"), [(1, "day"), (92, "day"), (93, "week"), (400, "week"), (401, "month")])
def test_long_periods_have_long_steps(days: int, step: str) -> None:
    assert choose_step(Period(DAY - timedelta(days=days - 1), DAY)) == step


def test_weeks_and_months_are_cut_at_the_ends_of_the_period() -> None:
    period = Period(date(2019, 10, 30), date(2019, 11, 12))  # Wednesday to Tuesday
    weeks = [(part.first.day, part.last.day) for part in split_period(period, "week")]
    assert weeks == [(30, 3), (4, 10), (11, 12)]
    assert [(part.first.day, part.last.day) for part in split_period(period, "month")] == [(30, 31), (1, 12)]
    assert sum(part.days for part in split_period(period, "day")) == period.days == 14


def test_a_day_without_an_event_is_a_zero() -> None:
    days = {DAY: KpiDay(DAY, orders=12, customers=7, buyers=5)}
    points = build_points(Period(DAY - timedelta(days=1), DAY), "day", days)
    assert [point.totals.orders for point in points] == [0, 12]
    assert [point.totals.counts for point in points] == [CustomerCounts(), CustomerCounts(7, 5)]


def test_customers_of_a_week_are_those_counted_for_the_whole_week() -> None:
    days = {day: KpiDay(day, orders=1, customers=3) for day in (date(2019, 11, 28), date(2019, 11, 29))}
    monday = date(2019, 11, 25)
    points = build_points(Period(date(2019, 11, 28), DAY), "week", days, {monday: CustomerCounts(4, 2)})
    assert [(point.totals.orders, point.totals.counts.customers) for point in points] == [(2, 4)]
