"""The live page: its numbers, its states, and what makes it answer 304."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from cdp.mart.live import ALERT, CUSTOMER_MINUTE, MINUTE, ORDER, PRODUCT_MINUTE
from cdp_web.live import counts, state
from tests.cdp_web import factories
from tests.cdp_web.factories import live_batch, mart_row

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
CONTENT = "/live/content"


def buy(minute: datetime, customer: str, product: str, amount: str) -> None:
    """An order of one product, with its row in each table."""
    sums = {"views": 2, "carts": 1, "purchases": 1, "units": 1, "gross": Decimal(amount)}
    mart_row(CUSTOMER_MINUTE, minute=minute, customer_id=customer, **sums)
    mart_row(PRODUCT_MINUTE, minute=minute, product_id=product, category_code="a.b", brand="acme", **sums)
    products = json.dumps([product])
    order = {"ordered_at": minute, "lines": 1, "units": 1, "amount": Decimal(amount), "products": products, "written_at": minute}
    mart_row(ORDER, order_id=f"{customer}-{product}", customer_id=customer, **order)


@pytest.fixture
def shop(publish: Any) -> datetime:
    """Two orders three minutes ago and one in the running minute; the running minute."""
    publish([])
    minute = timezone.now().replace(second=0, microsecond=0)
    before = minute - timedelta(minutes=3)
    mart_row(MINUTE, minute=before, orders=2, gross=Decimal("70.00"), refunds=Decimal("5.00"))
    mart_row(MINUTE, minute=minute, orders=1, gross=Decimal("9.00"))
    buy(before, "c1", "p1", "50.00")
    buy(before, "c2", "p2", "20.00")
    buy(minute, "c1", "p2", "9.00")
    mart_row(CUSTOMER_MINUTE, minute=minute - timedelta(minutes=20), customer_id="c3", views=1)
    factories.shop_names(products={"p1": "Kettle <b>"})
    live_batch()
    return minute


def test_numbers_of_the_last_hour(shop: datetime, site: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(26):
        answer = site.get(CONTENT)
    report, page = answer.context["report"], answer.content.decode()
    assert [tile.main.text for tile in report.tiles] == ["$9.00", "$65.00", "$65.00", "2"]
    assert [tile.more.text for tile in report.tiles] == ["1", "2", "2", "3"]
    assert [(step.customers, step.share) for step in report.funnel] == [(3, 1), (3, 1), (2, 2 / 3), (2, 2 / 3)]
    assert [(each.key, each.rank, each.rank_before, each.units) for each in report.products] == [
        ("p1", 1, None, 1),
        ("p2", 2, None, 1),
    ]
    assert [order.order_id for order in report.orders] == ["c1-p2", "c1-p1", "c2-p2"]
    assert "Kettle &lt;b&gt;" in page
    assert report.chart.bars[-1].point.revenue == Decimal("9.00")


def test_an_unchanged_page_is_not_sent_again(shop: datetime, site: Client) -> None:
    first = site.get(CONTENT)
    unchanged = site.get(CONTENT, headers={"If-None-Match": first["ETag"]})
    assert (first.status_code, unchanged.status_code, unchanged.content) == (200, 304, b"")
    assert first["ETag"].strip('"') in site.get("/live/").content.decode()
    live_batch(2)
    assert site.get(CONTENT, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_only_some_readers_see_names_of_customers(shop: datetime, site: Client, marketer: User) -> None:
    factories.shop_names(people={"c1": ("Ana Silva", "ana@example.org")})
    seen = site.get(CONTENT)
    assert "Ana Silva" in seen.content.decode()
    marketer.groups.clear()
    hidden = site.get(CONTENT, headers={"If-None-Match": seen["ETag"]})
    assert hidden.status_code == 200
    assert "Ana Silva" not in hidden.content.decode()
    assert "c1" in hidden.content.decode()


def test_open_alerts_lead_to_their_page(shop: datetime, site: Client) -> None:
    rule = {"kind": "amount", "name": "Large order", "amount": "10"}
    evidence = json.dumps({"rule": rule, "orders": None, "payments": None})
    mart_row(ALERT, alert_id=7, subject="o1", customer_id="c9", happened_at=shop, found_at=shop, evidence=evidence)
    page = site.get(CONTENT).content.decode()
    assert 'href="/fraud/7"' in page
    assert "Large order" in page


def test_slow_counts_are_taken_again_behind_the_page(shop: datetime, site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page that finds old counts shows them, and starts one count for all who come meanwhile."""
    started: list[str] = []
    monkeypatch.setattr(counts.threading.Thread, "start", lambda thread: started.append(thread.name))
    monkeypatch.setattr(counts, "AGE", timedelta(0))
    first = counts.counts_get()
    buy(shop - timedelta(minutes=1), "c4", "p1", "1.00")
    assert [counts.counts_get(), counts.counts_get()] == [first, first]
    assert len(started) == 1
    counts._counting.release()
    cache.clear()
    assert counts.counts_get().visitors == first.visitors + 1


class TestStates:
    def test_before_the_first_batch(self, publish: Any, site: Client) -> None:
        publish([])
        page = site.get("/live/")
        assert page.context["report"] is None
        assert "./run up live" in page.content.decode()

    def test_before_the_first_table(self, db: None, site: Client) -> None:
        assert site.get("/live/").context["report"] is None

    def test_a_stream_that_does_not_run(self, shop: datetime, site: Client) -> None:
        page = site.get("/live/")
        assert page.context["state"].live_runs is False
        assert "./run up live" in page.content.decode()
        assert "live-dot" not in page.content.decode()

    def test_fresh_numbers_while_the_stream_runs(self, shop: datetime, site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """The connection of this test has the name of the stream's."""
        with connection.cursor() as cursor:
            cursor.execute("SET application_name = 'cdp stream live'")
        page = site.get("/live/")
        assert page.context["state"].is_fresh
        assert "./run up live" not in page.content.decode()
        assert page.content.decode().count("live-dot") == 2
        monkeypatch.setattr(state, "FRESH", timedelta(0))
        cache.clear()
        assert "live-dot" not in site.get("/live/").content.decode()
