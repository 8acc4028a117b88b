from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from cdp.mart.charts import BRAND_DAY, CATEGORY_DAY, HOUR_DAY, ORDER_VALUE_DAY, PRODUCT_DAY
from cdp_web.overview.report import Overview, overview_read
from cdp_web.overview.selectors import CustomerCounts, period_choose
from cdp_web.serving.publications import Publication
from tests.cdp_web import factories
from tests.cdp_web.factories import DAY

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

#: Money of each day: purchases, and purchases less refunds.
MONEY = {"gross_revenue": Decimal("12.99"), "refunds": 2, "revenue": Decimal("9.99")}


def read(publication: Publication, **parameters: str) -> Overview:
    return overview_read(publication, period_choose(parameters, publication))


def read_values(overview: Overview) -> dict[str, Any]:
    return {tile.kpi.key: tile.value for tile in overview.tiles}


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


def add_days(count: int, **changes: Any) -> None:
    for back in range(count):
        factories.kpi_day(ago(back), **{"sessions": 10, "orders": 1, **MONEY, **changes})


def test_customers_of_a_period_are_distinct(publish: Any) -> None:
    publication = publish([])
    add_days(8)
    for back in range(3):
        factories.customer_day(ago(back), "1", views=1)
    factories.customer_day(DAY, "2", carts=1, orders=1)
    factories.customer_day(ago(1), "2", views=1)
    factories.customer_day(ago(2), "3", orders=1)
    factories.customer_day(ago(7), "4", views=1)
    overview = read(publication, period="7d")
    values = read_values(overview)
    assert (values["customers"], values["buyers"]) == (3, 2)
    assert [step.customers for step in overview.funnel] == [2, 1, 1]


def test_customers_of_a_week_are_distinct(publish: Any) -> None:
    publication = publish([])
    add_days(100)
    for back in range(5):
        factories.customer_day(ago(back), "1", orders=back % 2)
    overview = read(publication, period="all")
    assert (overview.step, overview.points[-1].totals.counts) == ("week", CustomerCounts(1, 1))
    assert sum(point.totals.orders for point in overview.points) == read_values(overview)["orders"] == 100


def test_a_history_that_is_too_short_is_not_compared(publish: Any) -> None:
    publication = publish([])
    add_days(10)
    overview = read(publication, period="7d")
    assert (overview.choice.comparison, overview.points_before, overview.tiles[0].before) == (None, [], None)
    add_days_before = (10, 11, 12, 13)
    for back in add_days_before:
        factories.kpi_day(ago(back))
    overview = read(publication, period="7d")
    assert len(overview.points_before) == 7
    assert overview.tiles[0].before == Decimal("9.99") * 3


def test_an_unusual_day_has_the_category_that_made_it(publish: Any) -> None:
    publication = publish([])
    add_days(60)
    factories.mart_row(CATEGORY_DAY, day=DAY, level=2, category="toys.kites", revenue=Decimal("30.00"))
    factories.mart_row(CATEGORY_DAY, day=DAY, level=2, category="toys.cars", revenue=Decimal("40.00"))
    factories.mart_row(CATEGORY_DAY, day=ago(7), level=2, category="toys.cars", revenue=Decimal("240.00"))
    assert read(publication).unusual_days == []
    factories.kpi_day(DAY + timedelta(days=1), revenue=Decimal("9000"))
    later = factories.publication(2, DAY + timedelta(days=1))
    (unusual,) = read(later).unusual_days
    assert (unusual.usual, len(unusual.usual_days), unusual.cause) == (Decimal("9.99"), 8, None)
    factories.mart_row(CATEGORY_DAY, day=later.day, level=2, category="toys.kites", revenue=Decimal("8800.00"))
    factories.mart_row(CATEGORY_DAY, day=ago(6), level=2, category="toys.kites", revenue=Decimal("80.00"))
    (unusual,) = read(later).unusual_days
    assert unusual.cause is not None
    assert (unusual.cause.category, unusual.cause.revenue, unusual.cause.usual) == ("toys.kites", Decimal(8800), Decimal(10))


def test_lists_rank_by_net_revenue_and_moves_by_the_difference(publish: Any) -> None:
    publication = publish([])
    add_days(60)
    for back, cars, kites in ((0, "50.00", "10.00"), (28, "20.00", "25.50")):
        for level in (1, 2):
            names = ("cars", "kites") if level == 1 else ("cars.red", "kites.blue")
            factories.mart_row(CATEGORY_DAY, day=ago(back), level=level, category=names[0], revenue=Decimal(cars))
            factories.mart_row(CATEGORY_DAY, day=ago(back), level=level, category=names[1], revenue=Decimal(kites))
    factories.mart_row(PRODUCT_DAY, day=DAY, product_id="7", category="cars.red", brand="lada", revenue=Decimal(50))
    factories.mart_row(PRODUCT_DAY, day=ago(1), product_id="7", category="cars.old", brand="lada", revenue=Decimal(1))
    factories.mart_row(BRAND_DAY, day=DAY, brand="", revenue=Decimal(60))
    lists = read(publication).breakdowns
    assert [(each.key, each.revenue, each.before) for each in lists.categories] == [
        ("cars", Decimal(50), Decimal(20)),
        ("kites", Decimal(10), Decimal("25.50")),
    ]
    assert [(each.key, each.revenue) for each in lists.products] == [("7", Decimal(51))]
    assert [(each.key, each.difference) for each in lists.gains] == [("cars.red", Decimal(30))]
    assert [(each.key, each.difference) for each in lists.losses] == [("kites.blue", Decimal("-15.50"))]
    alone = read(publication, compare="none").breakdowns
    assert (alone.gains, alone.categories[0].before, alone.categories[0].revenue) == ([], None, Decimal(50))


def test_hours_and_order_values_add_up_the_days(publish: Any) -> None:
    publication = publish([])
    add_days(30)
    for back in (0, 7, 1, 28):
        factories.mart_row(HOUR_DAY, day=ago(back), hour=9, orders=1, revenue=Decimal("2.50"))
        factories.mart_row(ORDER_VALUE_DAY, day=ago(back), from_value=2, to_value=5, orders=2, revenue=Decimal(5))
    overview = read(publication)
    saturday = DAY.isoweekday()
    assert [(hour.weekday, hour.orders) for hour in overview.hours] == [(saturday - 1, 1), (saturday, 2)]
    assert [(each.from_value, each.to_value, each.orders) for each in overview.order_values] == [(2, 5, 6)]


def test_page_shows_the_numbers_and_their_meaning(publish: Any, site: Client) -> None:
    publish([])
    add_days(60)
    page = site.get("/?period=28d").content.decode()
    assert all(text in page for text in ("$279.72", "$363.72", "$84.00", "56 refunds."))
    assert "Gross revenue less the money refunded in the period." in page
    assert "3 Nov 2019 to 30 Nov 2019, compared with 6 Oct 2019 to 2 Nov 2019" in page
    assert "Data through 30 Nov 2019 · published 1 Dec 2019, 03:20 UTC · publication #1" in page


def test_page_draws_no_day_before_the_data(publish: Any, site: Client) -> None:
    publish([])
    add_days(20)
    answer = site.get("/?period=90d")
    assert answer.context["choice"].period.days == len(answer.context["charts"]["trend"].rows) == 20
    assert "Data begin on 11 Nov 2019." in answer.content.decode()


def test_page_of_a_period_without_events_says_so(publish: Any, site: Client) -> None:
    publish([])
    assert not site.get("/").context["overview"].has_events
    factories.kpi_day(DAY)
    assert not site.get("/?from=2018-01-01&to=2018-02-01").context["overview"].has_events
    assert site.get("/?period=28d").context["overview"].has_events


@pytest.mark.parametrize(
    ("address", "valid"),
    [("/?period=5d", "28d, 90d, this-week"), ("/?measure=luck", "conversion"), ("/?compare=x", "before, year")],
)
def test_an_unknown_value_is_a_bad_request(publish: Any, site: Client, address: str, valid: str) -> None:
    publish([])
    answer = site.get(address)
    assert answer.status_code == 400
    assert valid in answer.content.decode()


def test_each_chart_is_a_file(publish: Any, site: Client) -> None:
    publish([])
    add_days(30)
    lines = site.get("/?period=7d&measure=orders&csv=trend").content.decode().splitlines()
    assert lines[0].startswith("Day,Orders")
    assert lines[-1].startswith("2019-11-30,1")
    assert len(lines) == 8
    assert site.get("/?csv=nothing").status_code == 404


def test_page_takes_few_queries(publish: Any, site: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    publish([])
    add_days(500)
    for back in (1, 2, 3):
        factories.kpi_day(DAY + timedelta(days=back), revenue=Decimal(9000))
    factories.publication(2, DAY + timedelta(days=3))
    for address in ("/", "/?period=all", "/?from=2019-06-01"):
        with django_assert_max_num_queries(26):
            site.get(address)


def test_the_content_is_computed_once_for_a_publication(publish: Any, site: Client) -> None:
    publish([])
    add_days(20)
    first = site.get("/?period=7d").content
    with CaptureQueriesContext(connection) as queries:
        again = site.get("/?period=7d").content
    assert not [query for query in queries if "kpi_day" in query["sql"] and "revenue" in query["sql"]]
    assert read_content(again) == read_content(first)
    factories.publication(2, DAY + timedelta(days=1))
    assert read_content(site.get("/?period=7d").content) != read_content(first)


def read_content(page: bytes) -> str:
    """Without the top bar and its token."""
    return page.decode().partition("<main")[2]
