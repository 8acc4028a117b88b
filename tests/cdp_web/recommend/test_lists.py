"""The panels with lists from the recommendation API: what they show, and what they say if it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from cdp.settings import current
from cdp_web.recommend import client
from tests.cdp_web import factories
from tests.cdp_web.recommend.api_server import ApiServer, make_item, serve_api

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with serve_api() as server:
        settings = replace(current(), recommend_url=server.url, recommend_token="a-token")
        monkeypatch.setattr(client, "current", lambda: settings)
        yield server


def test_a_customers_lists_with_reasons(publish: Any, api: ApiServer, site: Client) -> None:
    publish([])
    factories.shop_names(products={"p1": "Kettle <b>", "p2": "Tea"}, categories={"a": "Kitchen", "a.b": "Kettles"})
    path = "/v1/customers/a/b c/recommendations"
    for_you = [make_item("p1", "looked-at", "p2"), make_item("p3", "popular-in-category"), make_item("p4", "from tomorrow")]
    api.lists[path, "for-you"] = {"source": "session", "stale": True, "items": for_you}
    page = site.get("/customers/a/b%20c?part=recommended").content.decode()
    assert "Kettle &lt;b&gt;" in page
    assert 'href="/products/p1"' in page
    assert "$19.90" in page
    assert "Interest in Tea" in page
    assert "Popular in Kitchen › Kettles" in page
    assert "from tomorrow in English" in page
    assert "What the customer looks at now · without the newest events" in page
    assert "The customer has bought nothing that may be bought again." in page
    assert [(asked, query["list"], token) for asked, query, token in api.requests] == [
        (path, ["for-you"], "Bearer a-token"),
        (path, ["buy-again"], "Bearer a-token"),
    ]
    assert all(query["log"] == ["false"] for _, query, _ in api.requests)


def test_neighbours_of_a_product(publish: Any, api: ApiServer, site: Client) -> None:
    publish([])
    item = make_item("p5", "seen-together", "p1")
    api.lists["/v1/products/p1/recommendations", "goes-with"] = {"source": "seen-together", "stale": False, "items": [item]}
    page = site.get("/products/p1?part=neighbours").content.decode()
    assert 'href="/products/p5"' in page
    assert "Often seen together with p1" in page


@pytest.mark.parametrize(
    ("status", "answer", "problem"),
    [(503, {}, "it answered with status 503"), (200, [], "its answer is not a list of products")],
)
def test_a_broken_api_is_named(status: int, answer: Any, problem: str, publish: Any, api: ApiServer, site: Client) -> None:
    publish([])
    api.status = status
    api.lists["/v1/customers/c1/recommendations", "for-you"] = answer
    page = site.get("/customers/c1?part=recommended")
    assert page.status_code == 200
    assert f"The recommendation API gives no list now: {problem}." in page.content.decode()


def test_an_api_that_is_away(publish: Any, api: ApiServer, site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    publish([])
    settings = replace(client.current(), recommend_url="http://127.0.0.1:9")
    monkeypatch.setattr(client, "current", lambda: settings)
    page = site.get("/customers/c1?part=recommended").content.decode()
    assert "The recommendation API gives no list now" in page
    assert "./run up recommend" in page
