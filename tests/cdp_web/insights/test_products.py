from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdp_web.insights.product_charts import chart_share, chart_trend, split_days
from cdp_web.insights.products import build_label, products_read, products_read_all
from cdp_web.insights.thing_selectors import People
from cdp_web.insights.things import PEOPLE, SUMS, TABS, InsightError, ThingQuery, build_filters, parse_thing_query
from cdp_web.overview.periods import Period
from cdp_web.serving.publications import Publication
from tests.cdp_web.insights.world import AS_OF, FIRST, World, count_customers

PERIOD, BEFORE = Period(date(2019, 10, 24), AS_OF), Period(date(2019, 9, 26), date(2019, 10, 23))
QUERIES = (
    ThingQuery("products"),
    ThingQuery("categories"),
    ThingQuery("categories", category="electronics"),
    ThingQuery("categories", category="electronics.audio"),
    ThingQuery("brands"),
)


def is_not_set(field: str) -> dict[str, str]:
    return {"field": field, "operator": "is_not_set"}


def equals(field: str, value: str) -> dict[str, str]:
    return {"field": field, "operator": "eq", "value": value}


class TestPure:
    def test_parameters_are_read(self) -> None:
        query = parse_thing_query({"tab": "categories", "category": "electronics", "sort": "buyers", "q": " au ", "page": "3"})
        assert query == ThingQuery("categories", "electronics", "", "au", "buyers", descending=False, page=3)
        assert (query.level, ThingQuery().level) == (2, 1)

    @pytest.mark.parametrize(
        "parameters",
        [
            {"tab": "shops"},
            {"sort": "secret"},
            {"page": "0"},
            {"tab": "categories", "category": "a.b.c"},
            {"q": "x" * 101},
            {"q": "\0"},
        ],
    )
    def test_invalid_parameters_are_refused(self, parameters: dict[str, str]) -> None:
        with pytest.raises(InsightError):
            parse_thing_query(parameters)

    def test_filters_name_every_level_of_a_category(self) -> None:
        assert build_filters("categories", "a.b", 2) == [equals("category_1", "a"), equals("category_2", "b")]
        assert build_filters("categories", "a", 2) == [equals("category_1", "a"), is_not_set("category_2")]
        assert build_filters("categories", "", 1) == [is_not_set("category_1")]

    def test_filters_of_products_and_brands(self) -> None:
        assert build_filters("products", "17", 1) == [equals("product_id", "17")]
        assert build_filters("brands", "", 1) == [is_not_set("brand")]

    def test_not_bought_is_of_the_viewers(self) -> None:
        assert People(viewers=10, buyers=4, viewers_bought=3).not_bought == 7

    def test_a_long_period_is_split_at_mondays(self) -> None:
        weeks = list(split_days(Period(date(2019, 9, 11), date(2019, 11, 20))))
        assert weeks[0] == Period(date(2019, 9, 11), date(2019, 9, 15))
        assert {week.first.weekday() for week in weeks[1:]} == {0}
        assert (sum(week.days for week in weeks), weeks[-1].last) == (71, date(2019, 11, 20))
        assert len(list(split_days(PERIOD))) == 28


@pytest.mark.stack("postgres")
@pytest.mark.django_db
class TestReport:
    def test_every_row_leads_to_as_many_customers_as_it_shows(self, publication: Publication) -> None:
        rows = [row for query in QUERIES for row in products_read(publication, query, PERIOD, BEFORE).rows]
        assert len(rows) > 15
        for row in rows:
            links = (row.links.viewers, row.links.buyers, row.links.not_bought)
            counts = [count_customers(link, publication) for link in links]
            assert counts == [row.people.viewers, row.people.buyers, row.people.not_bought], row.label

    @pytest.mark.parametrize("query", [QUERIES[0], QUERIES[1], QUERIES[4]], ids=lambda query: query.tab)
    def test_rows_and_charts_add_up_to_the_shop(self, publication: Publication, world: World, query: ThingQuery) -> None:
        days = [row for row in world.tables["kpi_day"] if PERIOD.first <= row["day"] <= PERIOD.last]
        report = products_read(publication, query, PERIOD, BEFORE)
        for name in ("views", "carts", "items", "revenue"):
            assert sum(getattr(row.sums, name) for row in report.rows) == sum(row[name] for row in days)
        revenue = sum(row["revenue"] for row in days)
        assert report.revenue == sum(row[1] for row in chart_share(report).rows) == revenue
        greatest = report.top[0]
        label = build_label(query, greatest.key, report.names)
        assert sum(row[2] for row in chart_trend(report).rows if row[1] == label) == greatest.revenue

    def test_levels_add_up_to_their_category(self, publication: Publication) -> None:
        top = {row.sums.key: row.sums for row in products_read(publication, QUERIES[1], PERIOD, None).rows}
        inner = products_read(publication, QUERIES[2], PERIOD, None)
        assert {row.sums.key for row in inner.rows} == {"electronics", "electronics.smartphone", "electronics.audio"}
        assert sum(row.sums.revenue for row in inner.rows) == top["electronics"].revenue
        assert {row.label for row in inner.rows if not row.is_deeper} == {"electronics, no further level"}

    def test_others_are_one_bar_that_leads_nowhere(self, publication: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cdp_web.insights.products.TOP", 2)
        chart = chart_share(products_read(publication, QUERIES[0], PERIOD, None))
        assert (len(chart.rows), chart.links[-1], chart.rows[-1][0]) == (3, "", "6 others")

    def test_rows_are_sorted_by_any_number(self, publication: Publication) -> None:
        for sort in (*SUMS, *PEOPLE):
            rows = products_read(publication, replace(QUERIES[0], sort=sort), PERIOD, BEFORE).rows
            values = [getattr(row.people if sort in PEOPLE else row.sums, sort) for row in rows]
            values = [value for value in values if value is not None]
            assert values == sorted(values, reverse=True), sort
            assert len(set(values)) > 1

    def test_the_change_is_against_the_comparison(self, publication: Publication, world: World) -> None:
        row = products_read(publication, QUERIES[4], PERIOD, BEFORE).rows[0]
        earlier = [r for r in world.tables["brand_day"] if r["brand"] == row.sums.key and BEFORE.first <= r["day"] <= BEFORE.last]
        assert row.sums.revenue_before == sum(r["revenue"] for r in earlier)
        assert products_read(publication, QUERIES[4], PERIOD, None).rows[0].sums.change is None

    def test_search_brand_and_category_filter(self, publication: Publication) -> None:
        def list_keys(**changes: Any) -> set[str]:
            return {row.sums.key for row in products_read(publication, ThingQuery(**changes), PERIOD, None).rows}

        assert list_keys(search="SMART") == {"1000", "1001"}
        assert list_keys(search="1000") == {"1000"}
        assert list_keys(category="electronics", brand="bolt") == {"1001", "1003"}
        assert list_keys(search="%") == set()

    def test_pages_follow_each_other(self, publication: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cdp_web.insights.products.PAGE_SIZE", 3)
        pages = [products_read(publication, replace(QUERIES[0], page=page), PERIOD, None) for page in (1, 2, 3)]
        assert [len(page.rows) for page in pages] == [3, 3, 2]
        assert len({row.sums.key for page in pages for row in page.rows}) == pages[0].total == 8
        assert (pages[1].first, pages[1].last, pages[1].pages) == (4, 6, 3)

    def test_the_file_has_the_rows_of_the_page(self, publication: Publication, site: Client) -> None:
        answer = site.get(f"/insights/products?csv=table&from={FIRST}&to={AS_OF}")
        lines = list(csv.reader(io.StringIO(answer.content.decode())))
        rows = products_read_all(publication, ThingQuery(), Period(FIRST, AS_OF), None)
        assert [line[0] for line in lines[1:]] == [row.sums.key for row in rows]
        assert [Decimal(line[13]) for line in lines[1:]] == [row.sums.revenue for row in rows]

    def test_page(self, publication: Publication, site: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        for tab in TABS:
            with django_assert_max_num_queries(16):
                answer = site.get(f"/insights/products?tab={tab}&sort=-buyers")
            report = answer.context["report"]
            assert (answer.status_code, report.query.tab, report.total > 2) == (200, tab, True)
            assert answer.content.decode().count("/customers/?rule=") > 3 * len(report.rows)

    def test_an_invalid_address_is_a_bad_request(self, publication: Publication, site: Client) -> None:
        for address in ("tab=shops", "period=5d", "sort=x", "csv=table&page=-1"):
            assert site.get(f"/insights/products?{address}").status_code == 400

    def test_a_search_without_a_hit_says_so(self, publication: Publication, site: Client) -> None:
        answer = site.get("/insights/products?q=nothing")
        assert (answer.status_code, answer.context["report"].rows) == (200, [])
