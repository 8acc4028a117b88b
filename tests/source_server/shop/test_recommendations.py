"""Visitors who see recommendations: what the API is asked and gets back, and that visits go on without it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import pytest

from source_server.shop.choices import QUICK
from source_server.shop.recommendations import PAUSE_SECONDS, Page, Recommender
from source_server.shop.run import make_simulation
from source_server.shop.simulator import Simulation
from tests.source_server.shop.test_simulator import make_shop

START = datetime(2026, 1, 5, tzinfo=UTC)
TOKEN = "token"
Answer = Callable[[httpx.Request], httpx.Response]


class Api:
    """Answers with random products of the shop, as the contract of the API says, and keeps what it gets."""

    def __init__(self, products: list[int]) -> None:
        self.rng, self.products = Random(3), products
        self.lists: dict[str, list[int]] = {}
        self.reports: list[dict[str, str]] = []
        self.asked: Counter[str] = Counter()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/exposures":
            self.reports += json.loads(request.content)["reports"]
            return httpx.Response(200, json={"accepted": 1})
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        fields = json.loads(request.content) if request.content else dict(request.url.params)
        self.asked[fields["place"]] += 1
        name = f"{self.rng.getrandbits(128):032x}"
        self.lists[name] = self.rng.sample(self.products, int(fields["count"]))
        items = [{"product_id": str(product)} for product in self.lists[name]]
        return httpx.Response(200, json={"exposure_id": name, "items": items})


def visit(answer: Answer | None, lines: list[str] | None = None) -> tuple[Simulation, list[Any]]:
    """A day of visits, with the events that were sent."""
    world = make_shop()
    starts = iter([float(second) for second in range(0, 86_400, 100)])
    simulation = make_simulation(world, 7, QUICK, lambda second: START + timedelta(seconds=second), starts)
    if answer:
        report = (lines if lines is not None else []).append
        simulation.recommender = Recommender("http://api", TOKEN, 7, report, httpx.MockTransport(answer))
    events = [event for _, transaction in simulation.run(86_400) for event in transaction.events]
    return simulation, events


def test_lists_are_seen_and_clicked_and_a_click_leads_to_a_view() -> None:
    api = Api(list(make_shop().products))
    simulation, events = visit(api)
    assert set(api.asked) == {"home", "product", "cart"}
    seen = [report["exposure_id"] for report in api.reports if report["kind"] == "seen"]
    clicks = [report for report in api.reports if report["kind"] == "click"]
    assert 0.7 < len(seen) / len(api.lists) < 0.9
    assert len(clicks) == simulation.counts["clicks on recommendations"] > 50
    assert all(int(click["product_id"]) in api.lists[click["exposure_id"]] for click in clicks)
    assert {click["exposure_id"] for click in clicks} <= set(seen)
    viewed = Counter(event["product_id"] for event in events if event["event_type"] == "view")
    assert Counter(click["product_id"] for click in clicks) <= viewed


def test_products_that_suit_are_clicked_more_often() -> None:
    products = make_shop().products
    api = Api(list(products))
    recommender = Recommender("http://api", TOKEN, 7, print, httpx.MockTransport(api))
    liked = {next(iter(products.values())).category_id}
    page = Page("home", 1, None, [], liked)
    clicked = Counter(product.category_id in liked for _ in range(6_000) if (product := recommender.offer(page, products)))
    share = sum(product.category_id in liked for product in products.values()) / len(products)
    assert clicked[True] / clicked[False] > 3 * share / (1 - share)


def fail(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    "answer",
    [fail, lambda _: httpx.Response(503), lambda _: httpx.Response(200, text="?"), lambda _: httpx.Response(200, json={})],
)
def test_visits_go_on_without_the_api(answer: Answer) -> None:
    """The visits are those of a shop without recommendations, and the API is left alone for a while."""
    lines: list[str] = []
    _, events = visit(answer, lines)
    _, expected = visit(None)
    assert events == expected
    assert len(lines) == 1
    assert f"{PAUSE_SECONDS:.0f} s" in lines[0]
