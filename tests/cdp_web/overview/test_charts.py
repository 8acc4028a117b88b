from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cdp_web.overview.breakdowns import HourTotal, OrderValueRange
from cdp_web.overview.customer_charts import chart_customers
from cdp_web.overview.kpis import KPIS_BY_KEY
from cdp_web.overview.order_charts import chart_hours, chart_order_values
from cdp_web.overview.page import parse_view
from cdp_web.overview.periods import Period, parse_period
from cdp_web.overview.selectors import KpiDay
from cdp_web.overview.totals import build_points
from cdp_web.overview.trend import MEASURES, chart_trend
from cdp_web.overview.unusual import UnusualDay

DAY = date(2019, 11, 30)
PERIOD = Period(DAY - timedelta(days=1), DAY)
BUSY = KpiDay(
    DAY, new_customers=3, sessions=20, sessions_with_purchase=5, orders=4, gross_revenue=Decimal("40.00"),
    revenue=Decimal("35.50"), customers=9, buyers=4,
)  # fmt: skip
POINTS = build_points(PERIOD, "day", {DAY: BUSY})


def read_rule(link: str) -> Any:
    return json.loads(parse_qs(urlsplit(link).query)["rule"][0])["rule"]


@pytest.mark.parametrize(
    ("measure", "value"),
    [("revenue", 35.5), ("gross_revenue", 40.0), ("refunds", 4.5), ("orders", 4.0), ("conversion", 0.25), ("customers", 9.0)],
)
def test_the_trend_shows_one_measure(measure: str, value: float) -> None:
    chart = chart_trend(KPIS_BY_KEY[measure], POINTS, [], "day", [], [])
    (bars,) = chart.figure.data
    assert list(bars.x) == [PERIOD.first, DAY]
    assert bars.y[1] == value
    assert float(chart.rows[1][1]) == value
    assert measure in MEASURES


def test_a_bar_opens_the_customers_who_did_what_it_measures() -> None:
    events = {}
    for measure in ("revenue", "refunds", "customers"):
        chart = chart_trend(KPIS_BY_KEY[measure], POINTS, [], "day", [], [])
        behaviour = read_rule(chart.links[1])["behaviour"]
        events[measure] = behaviour["event"]
        assert behaviour["window"] == {"between": ["2019-11-30", "2019-11-30"]}
        assert chart.figure.data[0].customdata[1] == chart.links[1]
    assert events == {"revenue": "purchase", "refunds": "refund", "customers": "any"}


def test_the_earlier_period_is_a_line_of_as_many_points() -> None:
    longer = build_points(Period(DAY - timedelta(days=9), DAY - timedelta(days=7)), "day", {})
    chart = chart_trend(KPIS_BY_KEY["orders"], POINTS, longer, "day", [], [])
    assert list(chart.figure.data[1].x) == [PERIOD.first, DAY]
    assert [row[2] for row in chart.rows] == [DAY - timedelta(days=9), DAY - timedelta(days=8)]
    shorter = chart_trend(KPIS_BY_KEY["orders"], POINTS, longer[:1], "day", [], [])
    assert shorter.rows[1] == (DAY, 4, None, None)


def test_unusual_days_are_marked_and_explained() -> None:
    unusual = UnusualDay(DAY, Decimal("35.50"), Decimal(10), (DAY - timedelta(days=7),))
    chart = chart_trend(KPIS_BY_KEY["revenue"], POINTS, [], "day", [unusual], [])
    marks = chart.figure.data[1]
    assert (list(marks.x), list(marks.y)) == ([DAY], [35.5])
    assert len(chart.notes) == 1
    assert len(chart_trend(KPIS_BY_KEY["orders"], POINTS, [], "day", [unusual], []).figure.data) == 1


def test_new_and_returning_customers_are_all_customers() -> None:
    chart = chart_customers(POINTS, parse_period({}, DAY - timedelta(days=400), DAY))
    new, back = chart.figure.data
    assert (list(new.y), list(back.y)) == ([0, 3], [0, 6])
    assert read_rule(new.customdata[1]) == {
        "metric": {"field": "first_seen", "operator": "between", "value": ["2019-11-30", "2019-11-30"]}
    }
    assert "not" in read_rule(back.customdata[1])["all"][1]


def test_a_cell_of_the_hours_opens_its_buyers() -> None:
    hours = [HourTotal(6, 21, 2, Decimal("19.99"))]
    chart = chart_hours(hours, "revenue", PERIOD, [])
    (heat,) = chart.figure.data
    assert (heat.z[5][21], heat.z[0][0]) == (19.99, 0.0)
    where = read_rule(heat.customdata[5][21])["behaviour"]["where"]
    assert {each["field"]: each["value"] for each in where} == {"weekday": 6, "hour": 21}
    assert chart.rows == [("Sat", 21, 2, Decimal("19.99"))]


def test_order_values_have_ranges_and_shares() -> None:
    ranges = [
        OrderValueRange(Decimal(10), Decimal(20), 3, Decimal("45.00")),
        OrderValueRange(Decimal(1000), None, 1, Decimal("1500.00")),
    ]
    chart = chart_order_values(ranges)
    assert chart.rows == [("$10 – $20", 3, 0.75, Decimal("45.00")), ("$1,000 +", 1, 0.25, Decimal("1500.00"))]
    assert list(chart.figure.data[0].y) == [3, 1]
    assert chart_order_values([]).rows == []


@pytest.mark.parametrize("parameters", [{"measure": "luck"}, {"heat": "conversion"}])
def test_unknown_measures_are_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="orders"):
        parse_view(parameters)
