from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from cdp_web.overview.kpis import build_tiles
from cdp_web.overview.periods import Period, parse_period
from cdp_web.overview.selectors import CustomerCounts, KpiDay
from cdp_web.overview.summary import describe_period
from cdp_web.overview.totals import compute_totals
from cdp_web.overview.unusual import Cause, UnusualDay, find_unusual_days

DAY = date(2019, 10, 10)
DATA = Period(date(2019, 9, 1), date(2019, 10, 31))


def revenues(*values: int, last: date = DAY) -> dict[date, KpiDay]:
    """The revenue of the same weekday in each week up to `last`."""
    days = [last - timedelta(weeks=back) for back in reversed(range(len(values)))]
    return {day: KpiDay(day, revenue=Decimal(value)) for day, value in zip(days, values, strict=True)}


def judge(*values: int, data: Period = DATA) -> list[UnusualDay]:
    return find_unusual_days(Period(DAY, DAY), revenues(*values), data)


def test_a_day_is_measured_by_the_median_of_its_weekday() -> None:
    (unusual,) = judge(90, 1000, 100, 110, 105, 220)
    assert (unusual.day, unusual.usual, unusual.is_high) == (DAY, Decimal(105), True)
    assert unusual.ratio == Decimal(220) / 105


@pytest.mark.parametrize(("revenue", "is_unusual"), [(200, True), (199, False), (51, False), (50, True), (0, True)])
def test_twice_or_half_is_unusual(revenue: int, is_unusual: bool) -> None:
    assert bool(judge(100, 100, 100, revenue)) == is_unusual


def test_a_day_with_too_few_weeks_before_it_is_not_judged() -> None:
    first_day = DAY - timedelta(weeks=2)
    assert judge(100, 100, 500, data=Period(first_day, DATA.last)) == []
    assert judge(0, 0, 0, 0, 500) == [], "there is no usual revenue"


def test_the_largest_difference_comes_first() -> None:
    days = revenues(100, 100, 100, 250) | revenues(1000, 1000, 1000, 400, last=DAY + timedelta(days=1))
    unusual_days = find_unusual_days(Period(DAY, DAY + timedelta(days=1)), days, DATA)
    assert [day.day for day in unusual_days] == [DAY + timedelta(days=1), DAY]


def test_the_first_sentences_name_revenue_change_day_and_cause() -> None:
    choice = parse_period({"from": "2019-10-07", "to": "2019-10-13"}, DATA.first, DATA.last)
    now, before = (compute_totals([KpiDay(DAY, revenue=Decimal(value))], CustomerCounts()) for value in ("1500.50", "1000"))
    revenue = build_tiles(now, before, choice)[0]
    (unusual,) = judge(100, 100, 100, 210)
    unusual = replace(unusual, cause=Cause("electronics.smartphone", Decimal(150), Decimal(40)))
    assert describe_period(choice, revenue, [unusual]) == (
        "Net revenue from 7 Oct 2019 to 13 Oct 2019 is $1,500.50. That is 50.0% more than in the period before. "
        "Thursday, 10 Oct 2019, had $210.00: 2.1 times the $100.00 of a usual Thursday. "
        "The largest difference is in electronics › smartphone: $150.00 instead of $40.00."
    )


def test_without_a_comparison_only_the_revenue_is_named() -> None:
    choice = parse_period({"from": "2019-10-07", "to": "2019-10-13", "compare": "none"}, DATA.first, DATA.last)
    revenue = build_tiles(compute_totals([], CustomerCounts()), None, choice)[0]
    assert describe_period(choice, revenue, []) == "Net revenue from 7 Oct 2019 to 13 Oct 2019 is $0.00."
