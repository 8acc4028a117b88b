from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdp_web.overview.report import Overview, overview_read
from cdp_web.overview.selectors import period_choose
from cdp_web.serving.publications import Publication
from tests.cdp_web import factories

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

#: Money of each day: purchases, and purchases less refunds.
MONEY = {"gross_revenue": Decimal("12.99"), "refunds": 2, "revenue": Decimal("9.99")}


def read(publication: Publication, **parameters: str) -> Overview:
    return overview_read(publication, period_choose(parameters, publication))


def add_days(count: int, **changes: Any) -> None:
    for back in range(count):
        factories.kpi_day(factories.DAY - timedelta(days=back), sessions=10, orders=1, **MONEY, **changes)


def test_customers_of_a_period_are_distinct(publish: Any) -> None:
    publication = publish([])
    add_days(7)
    for back in range(3):
        factories.customer_day(factories.DAY - timedelta(days=back), "1")
    factories.customer_day(factories.DAY, "2")
    factories.customer_day(factories.DAY - timedelta(days=7), "3")
    tiles = {tile.kpi.key: tile for tile in read(publication, period="7d").tiles}
    assert tiles["customers"].value == 2


def test_a_history_that_is_too_short_is_not_compared(publish: Any) -> None:
    publication = publish([])
    add_days(13)
    assert not read(publication, period="7d").is_comparable
    factories.kpi_day(factories.DAY - timedelta(days=13))
    overview = read(publication, period="7d")
    assert overview.is_comparable
    assert overview.tiles[0].before == Decimal("9.99") * 6


def test_page_shows_the_numbers_and_their_meaning(publish: Any, site: Client) -> None:
    publish([])
    add_days(60)
    page = site.get("/?period=28d").content.decode()
    assert all(text in page for text in ("$279.72", "$363.72", "$84.00", "56 refunds."))
    assert "Gross revenue less the money refunded in the period." in page
    assert "3 Nov 2019 to 30 Nov 2019, compared with 6 Oct 2019 to 2 Nov 2019" in page
    assert "Data through 30 Nov 2019 · published 1 Dec 2019, 03:20 UTC · publication #1" in page


def test_page_of_a_period_without_events_says_so(publish: Any, site: Client) -> None:
    publish([])
    assert "No events in this period" in site.get("/").content.decode()


def test_an_unknown_period_is_a_bad_request(publish: Any, site: Client) -> None:
    publish([])
    answer = site.get("/?period=5d")
    assert answer.status_code == 400
    assert "28d, 90d, this-week" in answer.content.decode()


def test_page_takes_few_queries(publish: Any, site: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    publish([])
    add_days(60)
    with django_assert_max_num_queries(25):
        site.get("/")
