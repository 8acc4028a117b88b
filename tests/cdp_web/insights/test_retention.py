from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdp_web.insights.cohorts import GAP_BOUNDS, CohortRow, build_cohorts, build_gaps, find_unit, list_starts
from cdp_web.insights.retention import UNITS, parse_retention, retention_read
from cdp_web.insights.retention_charts import chart_cohorts, chart_curves, chart_gaps, chart_orders, chart_second_orders
from cdp_web.insights.things import InsightError
from cdp_web.serving.publications import Publication
from tests.cdp_web.insights.world import AS_OF, World, count_customers

SEPTEMBER, OCTOBER, NOVEMBER = date(2019, 9, 1), date(2019, 10, 1), date(2019, 11, 1)
ROWS = [
    CohortRow(SEPTEMBER, SEPTEMBER, 40, 10, Decimal("100.00")),
    CohortRow(SEPTEMBER, NOVEMBER, 10, 4, Decimal("20.00")),
    CohortRow(OCTOBER, OCTOBER, 20, 0, Decimal("-4.00")),
]


class TestPure:
    def test_a_month_without_activity_has_zeros(self) -> None:
        september, october = build_cohorts(ROWS, "month", AS_OF, "customers")
        assert [cell.customers_share for cell in september.cells] == [1, 0, 0.25]
        assert (september.size, len(october.cells)) == (40, 2)

    def test_measures_are_per_customer_of_the_cohort(self) -> None:
        first = build_cohorts(ROWS, "month", AS_OF, "revenue")[0].cells[2]
        assert (first.buyers_share, first.revenue_per_customer) == (0.1, Decimal("0.50"))
        assert [first.measure(measure) for measure in ("customers", "buyers", "revenue")] == [0.25, 0.1, 0.5]

    @pytest.mark.parametrize(("as_of", "unfinished"), [(AS_OF, [False, False, True]), (date(2019, 11, 30), [False] * 3)])
    def test_only_the_last_month_is_unfinished(self, as_of: date, unfinished: list[bool]) -> None:
        assert [cell.unfinished for cell in build_cohorts(ROWS, "month", as_of, "customers")[0].cells] == unfinished

    def test_only_the_newest_cohorts_are_shown(self) -> None:
        rows = [CohortRow(start, start, 1, 0, Decimal(0)) for start in list_starts("month", date(2017, 1, 15), AS_OF)]
        cohorts = build_cohorts(rows, "month", AS_OF, "customers")
        assert (len(cohorts), cohorts[0].start, cohorts[-1].start) == (13, date(2018, 11, 1), NOVEMBER)

    def test_weeks_begin_on_monday(self) -> None:
        assert find_unit("week", AS_OF).first == date(2019, 11, 18)
        assert list_starts("week", date(2019, 11, 10), AS_OF) == [date(2019, 11, 4), date(2019, 11, 11), date(2019, 11, 18)]

    def test_empty_gaps_at_the_end_are_left_out(self) -> None:
        gaps = build_gaps([0, 5, *[0] * (len(GAP_BOUNDS) - 2)])
        assert [(gap.least, gap.below, gap.customers) for gap in gaps] == [(0, 1, 0), (1, 3, 5)]
        assert build_gaps([0] * len(GAP_BOUNDS)) == []

    def test_parameters(self) -> None:
        assert parse_retention({}) == (None, "customers")
        assert parse_retention({"by": "week", "show": "buyers"}) == ("week", "buyers")
        for parameters in ({"by": "year"}, {"show": "money"}):
            with pytest.raises(InsightError):
                parse_retention(parameters)


@pytest.mark.stack("postgres")
@pytest.mark.django_db
class TestReport:
    @pytest.mark.parametrize("unit", UNITS)
    def test_a_cell_leads_to_as_many_customers_as_it_shows(self, publication: Publication, unit: Any) -> None:
        for measure in ("customers", "buyers"):
            cells = [cell for cohort in retention_read(publication, unit, measure).cohorts for cell in cohort.cells]  # type: ignore[arg-type]
            assert len(cells) >= 6
            for cell in cells:
                assert count_customers(cell.link, publication) == getattr(cell.row, measure), cell.row
            assert {cell.row.start for cell in cells if cell.unfinished} == {find_unit(unit, AS_OF).first}

    @pytest.mark.parametrize("unit", UNITS)
    def test_cohorts_have_every_customer_and_all_money(self, publication: Publication, world: World, unit: Any) -> None:
        report = retention_read(publication, unit, "customers")
        assert sum(cohort.size for cohort in report.cohorts) == len(world.customers)
        assert sum(row[8] for row in chart_cohorts(report).rows) == sum(row["revenue"] for row in world.tables["kpi_day"])
        for cohort in report.cohorts:
            assert count_customers(cohort.link, publication) == cohort.size

    def test_orders_gaps_and_second_orders_lead_to_their_customers(self, publication: Publication, world: World) -> None:
        report = retention_read(publication, "month", "customers")
        buyers = [row for row in world.customers if row["total_purchase"]]
        repeaters = [row for row in buyers if row["total_purchase"] >= 2]
        assert (report.buyers, report.repeaters) == (len(buyers), len(repeaters))
        for chart, column, total in (
            (chart_orders(report), 1, len(buyers)), (chart_gaps(report), 1, len(repeaters)),
            (chart_second_orders(report), 2, len(repeaters)),
        ):  # fmt: skip
            assert sum(row[column] for row in chart.rows) == total
            assert [count_customers(link, publication) for link in chart.links] == [row[column] for row in chart.rows]

    def test_a_short_history_is_shown_by_week(self, publication: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
        assert retention_read(publication, None, "customers").unit == "week"
        monkeypatch.setattr("cdp_web.insights.retention.ENOUGH_MONTHS", 3)
        assert retention_read(publication, None, "customers").unit == "month"

    def test_unfinished_points_are_hollow(self, publication: Publication) -> None:
        line = chart_curves(retention_read(publication, "month", "buyers")).figure.data[0]
        assert list(line.marker.symbol) == ["circle", "circle", "circle-open"]

    def test_page(self, publication: Publication, site: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        for by in UNITS:
            with django_assert_max_num_queries(11):
                answer = site.get(f"/insights/retention?by={by}&show=revenue")
            assert (answer.status_code, answer.context["report"].unit) == (200, by)
        assert site.get("/insights/retention?by=year").status_code == 400

    def test_page_of_a_shop_without_orders(self, publish: Any, site: Client) -> None:
        publish([])
        assert site.get("/insights/retention").status_code == 200
