from __future__ import annotations

from datetime import date
from decimal import Decimal

from cdp_web.overview import kpis
from cdp_web.overview.periods import Period
from cdp_web.overview.selectors import KpiDay

DAY = date(2019, 11, 30)
BUSY = KpiDay(DAY, 3, 100, 80, 20, 10, orders=12, items=15, refunds=2, gross_revenue=Decimal("120.10"), revenue=Decimal("100.10"))


def tiles(days: list[KpiDay], before: list[KpiDay] | None = None) -> dict[str, kpis.Tile]:
    earlier = None if before is None else kpis.compute_totals(before, customers=4)
    return {tile.kpi.key: tile for tile in kpis.build_tiles(kpis.compute_totals(days, customers=5), earlier)}


def test_tiles_add_up_the_days() -> None:
    tile_texts = {key: tile.short for key, tile in tiles([BUSY, BUSY]).items()}
    assert tile_texts == {
        "revenue": "$200.20",
        "gross_revenue": "$240.20",
        "refunds": "$40.00",
        "orders": "24",
        "customers": "5",
        "average_order": "$10.01",
        "conversion": "10.00%",
        "new_customers": "6",
    }


def test_without_an_order_there_is_no_average() -> None:
    tile_of = tiles([KpiDay(DAY)])
    assert (tile_of["average_order"].short, tile_of["conversion"].short) == ("–", "–")


def test_change_is_relative_to_the_period_before() -> None:
    customers = tiles([BUSY], [BUSY])["customers"]
    assert (customers.change, customers.direction, customers.change_text) == (0.25, "up", "25.0%")


def test_no_change_without_a_period_before_or_from_zero() -> None:
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


def test_funnel_relates_each_step_to_the_first_and_to_the_one_before() -> None:
    viewed, carted, bought = kpis.build_funnel(kpis.compute_totals([BUSY], customers=1))
    assert (viewed.sessions, viewed.share, viewed.from_step_before) == (80, 1.0, None)
    assert (carted.share, carted.from_step_before) == (0.25, 0.25)
    assert (bought.share, bought.from_step_before) == (0.125, 0.5)


def test_funnel_of_nothing_has_no_shares() -> None:
    assert {step.share for step in kpis.build_funnel(kpis.compute_totals([], customers=0))} == {None}


def test_a_day_without_an_event_is_a_zero_in_the_chart() -> None:
    series = kpis.build_series(Period(date(2019, 11, 28), DAY), {DAY: BUSY})
    assert series == {"day": ["2019-11-28", "2019-11-29", "2019-11-30"], "revenue": [0.0, 0.0, 100.1], "orders": [0, 0, 12]}
