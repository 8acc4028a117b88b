from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdp_web.overview.report import overview_read
from tests.cdp_web import factories

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

#: Money of each day: purchases, and purchases less refunds.
MONEY = {"gross_revenue": Decimal("12.99"), "refunds": 2, "revenue": Decimal("9.99")}


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
    tiles = {tile.kpi.key: tile for tile in overview_read(publication, 7).tiles}
    assert tiles["customers"].value == 2


def test_a_history_that_is_too_short_is_not_compared(publish: Any) -> None:
    publication = publish([])
    add_days(13)
    assert not overview_read(publication, 7).is_comparable
    factories.kpi_day(factories.DAY - timedelta(days=13))
    overview = overview_read(publication, 7)
    assert overview.is_comparable
    assert overview.tiles[0].before == Decimal("9.99") * 6


def test_page_shows_the_numbers_and_their_meaning(publish: Any, site: Client) -> None:
    publish([])
    add_days(60)
    page = site.get("/?days=28").content.decode()
    assert all(text in page for text in ("$279.72", "$363.72", "$84.00", "56 refunds."))
    assert "Gross revenue less the money refunded in the period." in page
    assert "3 Nov 2019 to 30 Nov 2019, compared with 6 Oct 2019 to 2 Nov 2019" in page
    assert "Data through 30 Nov 2019 · published 1 Dec 2019, 03:20 UTC · publication #1" in page


def test_page_of_a_period_without_events_says_so(publish: Any, site: Client) -> None:
    publish([])
    assert "No events in these 28 days" in site.get("/").content.decode()


def test_an_unknown_period_is_a_bad_request(publish: Any, site: Client) -> None:
    publish([])
    answer = site.get("/?days=5")
    assert answer.status_code == 400
    assert "7, 28, 60, 90 days" in answer.content.decode()


def test_page_takes_few_queries(publish: Any, site: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    publish([])
    add_days(60)
    # 3 session, user and role, 2 publication, 2 days, 2 distinct customers, 2 the last night, 1 the state of the
    # data in the top bar
    with django_assert_num_queries(12):
        site.get("/")
