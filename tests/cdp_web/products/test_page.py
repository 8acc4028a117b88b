"""The page of a product against the generated shop: its sums, its customers, and the segments that love it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cdp.mart.shop import PRODUCT
from cdp_web.serving.publications import Publication
from tests.cdp_web import factories
from tests.cdp_web.factories import mart_row
from tests.cdp_web.insights.world import AS_OF, World, count_customers, insert, make_world
from tests.cdp_web.whole_shop import make_segment

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
PRODUCT_ID = "1000"


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture
def shop(publish: Any, world: World) -> Publication:
    publication: Publication = publish(world.customers, interactions=world.interactions, day=AS_OF)
    insert("product_day", world.tables["product_day"])
    return publication


def list_rows(world: World, days: int, *types: str) -> list[dict[str, Any]]:
    """The interactions with the product in the last days."""
    first = AS_OF - timedelta(days=days - 1)
    return [
        row
        for row in world.interactions
        if row["product_id"] == PRODUCT_ID and row["event_type"] in types and row["day"] >= first
    ]


def test_numbers_are_those_of_the_interactions(shop: Publication, world: World, site: Client) -> None:
    report = site.get(f"/products/{PRODUCT_ID}").context["report"]
    assert [figures.days for figures in report.figures] == [28, 90]
    for figures in report.figures:
        people = {each: {row["customer_id"] for row in list_rows(world, figures.days, each)} for each in ("view", "purchase")}
        assert figures.people.viewers == len(people["view"])
        assert figures.people.buyers == len(people["purchase"])
        assert figures.conversion == len(people["view"] & people["purchase"]) / len(people["view"])
        assert figures.views == sum(row["events"] for row in list_rows(world, figures.days, "view"))
        assert figures.items == sum(row["quantity"] for row in list_rows(world, figures.days, "purchase"))
        assert figures.revenue == sum(row["money"] for row in list_rows(world, figures.days, "purchase", "refund"))
        assert count_customers(figures.links.buyers, shop) == figures.people.buyers
        assert count_customers(figures.links.not_bought, shop) == figures.people.not_bought


def test_newest_buyers_come_first(shop: Publication, world: World, site: Client) -> None:
    bought = list_rows(world, 999, "purchase")
    newest = sorted(bought, key=lambda row: (row["day"], row["hour"]), reverse=True)
    buyers = site.get(f"/products/{PRODUCT_ID}").context["report"].buyers
    assert len(buyers) == 10
    assert (buyers[0].bought_at.date(), buyers[0].bought_at.hour) == (newest[0]["day"], newest[0]["hour"])
    assert buyers == sorted(buyers, key=lambda each: each.bought_at, reverse=True)
    spent = sum(row["money"] for row in bought if row["customer_id"] == buyers[0].customer_id)
    assert buyers[0].spent == spent


def test_segments_that_love_it(shop: Publication, world: World, site: Client) -> None:
    """Those who bought it are interested more often than all; a segment of everyone is not."""
    bought = {"field": "product_id", "operator": "eq", "value": PRODUCT_ID}
    rule = {"behaviour": {"event": "purchase", "did": True, "where": [bought]}}
    fans = make_segment(shop, "Fans", rule)
    make_segment(shop, "Everyone", factories.is_("views", "ge", 0))
    interested = {row["customer_id"] for row in list_rows(world, 90, "view", "purchase")}
    (love,) = site.get(f"/products/{PRODUCT_ID}").context["report"].lovers
    assert (love.segment_id, love.members, love.share) == (fans.pk, fans.current_run.count, 1)
    assert love.lift == len(world.customers) / len(interested)


def test_the_shops_facts_and_a_name_that_is_no_html(shop: Publication, site: Client) -> None:
    factories.shop_names(products={PRODUCT_ID: "Kettle <b>"}, categories={"a": "Kitchen"})
    facts = {"name": "Lamp", "category_id": "1", "brand": "acme", "price": Decimal("12.50"), "stock": 0, "active": True}
    mart_row(PRODUCT, product_id="lamp/1", **facts)
    named = site.get(f"/products/{PRODUCT_ID}").content.decode()
    assert "<h1>Kettle &lt;b&gt;</h1>" in named
    page = site.get("/products/lamp/1").content.decode()
    for text in ("<h1>Lamp</h1>", "Kitchen", "acme", "$12.50", "Out of stock", "Nobody has bought it yet."):
        assert text in page


def test_names_of_buyers_are_for_some_users(shop: Publication, world: World, site: Client, marketer: User) -> None:
    people = {row["customer_id"]: (f"Zoë {row['customer_id']}", "") for row in world.customers}
    factories.shop_names(people=people)
    assert "Zoë" in site.get(f"/products/{PRODUCT_ID}").content.decode()
    marketer.groups.clear()
    assert "Zoë" not in site.get(f"/products/{PRODUCT_ID}").content.decode()


def test_an_unknown_product(shop: Publication, site: Client) -> None:
    answer = site.get("/products/moon")
    assert answer.status_code == 404
    assert "There is no product with the ID “moon”." in answer.content.decode()


def test_the_trend_as_a_file(shop: Publication, world: World, site: Client) -> None:
    lines = site.get(f"/products/{PRODUCT_ID}?show=views&csv=trend").content.decode().splitlines()
    assert len(lines) == 91
    assert sum(int(line.split(",")[1]) for line in lines[1:]) == sum(row["events"] for row in list_rows(world, 90, "view"))
    wrong = site.get(f"/products/{PRODUCT_ID}?show=moon")
    assert wrong.status_code == 400
    assert "revenue, items, views, carts" in wrong.content.decode()
