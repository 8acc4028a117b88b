from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from cdp_web.overview import kpis
from cdp_web.overview.funnel import build_funnel
from cdp_web.overview.periods import Period, PeriodChoice, parse_period
from cdp_web.overview.selectors import CustomerCounts, KpiDay
from cdp_web.overview.totals import build_points, compute_totals

DAY = date(2019, 11, 30)
BUSY = KpiDay(DAY, 3, 100, 80, 20, 10, orders=12, items=15, refunds=2, gross_revenue=Decimal("120.10"), revenue=Decimal("100.10"))
NOW, EARLIER = CustomerCounts(customers=5, buyers=3), CustomerCounts(customers=4, buyers=4)


def choose(history: int = 365, **parameters: str) -> PeriodChoice:
    return parse_period(parameters, DAY - timedelta(days=history), DAY)


def tiles(days: list[KpiDay], before: list[KpiDay] | None = None, choice: PeriodChoice | None = None) -> dict[str, kpis.Tile]:
    earlier = None if before is None else compute_totals(before, EARLIER)
    return {tile.kpi.key: tile for tile in kpis.build_tiles(compute_totals(days, NOW), earlier, choice or choose())}


def test_tiles_add_up_the_days() -> None:
    tile_texts = {key: tile.short for key, tile in tiles([BUSY, BUSY]).items()}
    assert tile_texts == {
        "revenue": "$200.20",
        "gross_revenue": "$240.20",
        "refunds": "$40.00",
        "orders": "24",
        "customers": "5",
        "buyers": "3",
        "average_order": "$10.01",
        "conversion": "10.00%",
        "new_customers": "6",
    }


def test_without_an_order_there_is_no_average() -> None:
    tile_of = tiles([KpiDay(DAY)])
    assert (tile_of["average_order"].short, tile_of["conversion"].short) == ("–", "–")


def test_change_is_relative_to_the_earlier_period() -> None:
    customers = tiles([BUSY], [BUSY])["customers"]
    assert (customers.change, customers.direction, customers.change_text) == (0.25, "up", "25.0%")
    assert tiles([BUSY], [BUSY])["buyers"].change == -0.25


def test_a_rate_changes_by_points() -> None:
    half = KpiDay(DAY, sessions=100, sessions_with_purchase=5)
    conversion = tiles([BUSY], [half])["conversion"]
    assert conversion.change == pytest.approx(0.05)
    assert (conversion.change_unit, conversion.change_text, conversion.verdict) == ("points", "5 points", "good")


def test_no_change_without_an_earlier_period_or_from_zero() -> None:
    assert tiles([BUSY])["orders"].change is None
    assert tiles([BUSY], [KpiDay(DAY)])["orders"].change is None


def test_the_same_number_has_no_direction() -> None:
    assert tiles([BUSY], [BUSY])["orders"].direction == "same"


def test_more_refunds_are_bad_and_their_number_is_shown() -> None:
    refunds = tiles([BUSY, BUSY], [BUSY])["refunds"]
    assert (refunds.direction, refunds.verdict, refunds.note) == ("up", "bad", "4 refunds.")
    assert tiles([BUSY, BUSY], [BUSY])["orders"].verdict == "good"


def test_no_change_from_a_negative_value() -> None:
    assert tiles([BUSY], [KpiDay(DAY, revenue=Decimal(-5))])["revenue"].change is None


def test_new_customers_are_not_compared_with_the_first_weeks_of_the_data() -> None:
    young, old = (tiles([BUSY], [BUSY], choose(history))["new_customers"] for history in (60, 28 + 27 + 28))
    assert (young.before, bool(young.caveat)) == (None, True)
    assert (old.before, old.caveat) == (3, "")
    assert tiles([BUSY], [BUSY], choose(60))["orders"].before == 12


def test_a_tile_has_a_line_of_its_points() -> None:
    days = {DAY - timedelta(days=back): KpiDay(DAY, orders=4 - back) for back in range(2)}
    points = build_points(Period(DAY - timedelta(days=2), DAY), "day", days)
    totals = compute_totals(days.values(), NOW)
    lines = {tile.kpi.key: tile.line for tile in kpis.build_tiles(totals, None, choose(), points)}
    assert lines["orders"] == "M0.0 22.0L50.0 7.0L100.0 2.0"
    assert lines["conversion"] == ""


def test_funnel_of_sessions_has_no_share_of_carts_that_it_cannot_know() -> None:
    viewed, carted, bought = build_funnel(compute_totals([BUSY], NOW), Period(DAY, DAY))
    assert (viewed.sessions, viewed.share, viewed.from_step_before) == (80, 1.0, None)
    assert (carted.share, carted.from_step_before) == (0.25, 0.25)
    assert (bought.sessions, bought.share, bought.from_step_before) == (10, None, None)


def test_funnel_of_customers_relates_each_step_to_the_first_and_to_the_one_before() -> None:
    totals = compute_totals([BUSY], CustomerCounts(10, 5, viewed=8, carted=4, purchased=3))
    steps = build_funnel(totals, Period(DAY, DAY))
    shares = [(step.customers, step.customers_share, step.customers_from_step_before) for step in steps]
    assert shares == [(8, 1.0, None), (4, 0.5, 0.5), (3, 0.375, 0.75)]


def test_funnel_of_nothing_has_no_shares() -> None:
    steps = build_funnel(compute_totals([], CustomerCounts()), Period(DAY, DAY))
    assert {step.share for step in steps} | {step.customers_share for step in steps} == {None}
