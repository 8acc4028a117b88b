"""The app as callers use it, with a real Redis that is full, empty or frozen."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cdp.recommend.experiments import Arm, Experiment, find_arm
from cdp.recommend.exposures import parse_exposure
from cdp_web.recommend.api import visitors
from cdp_web.recommend.api.answering import Parts
from cdp_web.recommend.api.visitors import SECONDS
from tests.cdp_web.recommend.api.conftest import Sent, Shop
from tests.cdp_web.recommend.api.made import make_customer, make_pointer, make_publication

pytestmark = pytest.mark.subprocess

#: An answer without Redis takes 50 ms; the rest is for a busy machine.
MOST_SECONDS = 0.3
EXPOSURE = "0" * 32


def get(path: str, **query: Any) -> Any:
    async def ask(client: httpx.AsyncClient, parts: Parts) -> dict[str, Any]:
        response = await client.get(f"/v1/{path}", params=query)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return ask


def for_you(customer: str, **query: Any) -> Any:
    return get(f"customers/{customer}/recommendations", **query)


def products(answer: dict[str, Any]) -> list[str]:
    return [item["product_id"] for item in answer["items"]]


def test_known_customer_gets_the_stored_list(shop: Shop) -> None:
    shop.publish(make_publication(), make_pointer(), ann=make_customer(for_you=[7, 3, 9], products=[4], bought=[3]))
    (answer,) = shop.ask(for_you("ann", count=2, place="home"))
    assert products(answer) == ["p7", "p9"], "p3 was bought"
    assert (answer["source"], answer["publication"], answer["stale"], answer["place"]) == ("stored", "one", False, "home")
    assert answer["items"][0]["price"] == "8.00"


def test_list_follows_what_the_customer_does_now(shop: Shop) -> None:
    shop.publish(make_publication(), make_pointer(), ann=make_customer(for_you=[7]))
    now = int(time.time() // 60)
    shop.look_at("ann", now - 5, "p30")
    shop.look_at("ann", now, "p20")
    shop.redis.client.set("bought:ann", '["p21"]')
    (answer,) = shop.ask(for_you("ann", count=3))
    assert products(answer) == ["p31", "p22", "p32"], "p21 was bought a moment ago"
    assert answer["source"] == "session"
    assert answer["items"][0]["reason"]["code"] == "looked-at"


def test_stranger_gets_what_is_popular(shop: Shop) -> None:
    (answer,) = shop.ask(for_you("nobody", count=3))
    assert (products(answer), answer["source"]) == (["p0", "p1", "p2"], "popular")


def test_session_cart_and_product_lists(shop: Shop) -> None:
    async def post(client: httpx.AsyncClient, parts: Parts) -> Any:
        session = await client.post("/v1/session", json={"products": ["p20"], "count": 2})
        cart = await client.post("/v1/cart", json={"products": ["p30"], "count": 2})
        return products(session.json()), products(cart.json())

    lists, similar = shop.ask(post, get("products/p20/recommendations", list="similar", count=1))
    assert lists == (["p21", "p22"], ["p31", "p32"])
    assert products(similar) == ["p23"]


def test_experiment_serves_its_arm(shop: Shop) -> None:
    now = datetime.now(UTC)
    arms = (Arm("control", "champion", 5000), Arm("plain", "popular", 5000))
    experiment = Experiment("test-1", "home", now.replace(year=2020), now.replace(year=2100), arms)
    names = [f"c{number}" for number in range(12)]
    shop.publish(make_publication(), make_pointer(), **{name: make_customer(for_you=[40]) for name in names})

    async def start(client: httpx.AsyncClient, parts: Parts) -> None:
        parts.state.experiments = [experiment]

    _, *answers, elsewhere = shop.ask(
        start, *(for_you(name, place="home", count=2) for name in names), for_you("c0", place="cart")
    )
    found = {name: answer["arm"] for name, answer in zip(names, answers, strict=True)}
    assert found == {name: arm.name for name in names if (arm := find_arm(experiment, name))}
    assert {(answer["arm"], products(answer)[0]) for answer in answers} == {("control", "p40"), ("plain", "p0")}
    assert (elsewhere["experiment"], elsewhere["arm"]) == ("", "")


def test_redis_that_lost_everything_costs_only_the_personal_part(shop: Shop) -> None:
    shop.publish(make_publication(), make_pointer(), ann=make_customer(for_you=[7]))

    async def flush(client: httpx.AsyncClient, parts: Parts) -> None:
        shop.redis.client.flushall()
        await asyncio.to_thread(parts.state.refresh_publication)

    before, _, after = shop.ask(for_you("ann"), flush, for_you("ann"))
    assert (before["source"], after["source"]) == ("stored", "popular")
    assert (after["publication"], after["stale"]) == ("one", False)


def test_frozen_redis_makes_answers_stale_and_not_late(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    patience = visitors.SECONDS
    customers = {name: make_customer(for_you=[number]) for number, name in enumerate(("ann", "bob", "cid"), 40)}
    shop.publish(make_publication(), make_pointer(), **customers)

    async def ask_frozen(client: httpx.AsyncClient, parts: Parts) -> list[tuple[float, dict[str, Any]]]:
        monkeypatch.setattr(visitors, "SECONDS", SECONDS)
        with shop.redis.frozen():
            answers = []
            for name in ("ann", "bob", "ann", "bob", "ann"):
                begin = time.perf_counter()
                answer = await for_you(name, count=1)(client, parts)
                answers.append((time.perf_counter() - begin, answer))
            return answers

    async def wait(client: httpx.AsyncClient, parts: Parts) -> None:
        monkeypatch.setattr(visitors, "SECONDS", patience)
        await asyncio.sleep(1.1)  # the breaker tries again after a second

    first, frozen, _, *after = shop.ask(
        for_you("ann", count=1), ask_frozen, wait, *(for_you(name, count=1) for name in customers)
    )
    assert all(answer["stale"] for _, answer in frozen)
    assert max(seconds for seconds, _ in frozen) < MOST_SECONDS
    assert [products(answer) for _, answer in frozen[:2]] == [products(first), ["p0"]], "the last list, or what is popular"
    assert [(products(answer), answer["stale"]) for answer in after] == [(["p40"], False), (["p41"], False), (["p42"], False)]


def test_switch_of_publication_mixes_no_answer(shop: Shop) -> None:
    """The second publication has other ids at the same places, so a stored number that is read with it is a wrong product."""
    shop.publish(make_publication(), make_pointer(), ann=make_customer(for_you=[7, 8]))

    async def switch(client: httpx.AsyncClient, parts: Parts) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        done = asyncio.Event()

        async def ask() -> None:
            while not done.is_set():
                answers.append(await for_you("ann", count=2)(client, parts))
                await asyncio.sleep(0.005)  # the thread that loads a publication needs time too

        askers = [asyncio.create_task(ask()) for _ in range(4)]
        for name, prefix, listed in (("two", "q", [9, 10]), ("three", "r", [11, 12])):
            await asyncio.sleep(0.2)
            shop.publish(make_publication(name, prefix), make_pointer(name), ann=make_customer(for_you=listed))
            await asyncio.to_thread(parts.state.refresh_publication)
        await asyncio.sleep(0.2)
        done.set()
        await asyncio.gather(*askers)
        return answers

    (answers,) = shop.ask(switch)
    seen = {(answer["publication"], *products(answer)) for answer in answers}
    assert seen == {("one", "p7", "p8"), ("two", "q9", "q10"), ("three", "r11", "r12")}


def test_messages_of_exposures_can_be_read(shop: Shop) -> None:
    sent = Sent()

    async def report(client: httpx.AsyncClient, parts: Parts) -> Any:
        client._transport.app.state.parts = replace(parts, exposures=sent)  # type: ignore[attr-defined, arg-type]
        served = (await client.get("/v1/customers/ann/recommendations", params={"count": 1, "place": "home"})).json()
        await client.get("/v1/customers/ann/recommendations", params={"log": False})
        exposure = served["exposure_id"]
        await client.post(f"/v1/exposures/{exposure}/seen", headers={"Authorization": ""})
        await client.post(f"/v1/exposures/{exposure}/click", json={"product_id": "p0"}, headers={"Authorization": ""})
        await client.post("/v1/exposures", json={"reports": [{"kind": "seen", "exposure_id": exposure}]})
        return exposure

    (exposure,) = shop.ask(report)
    read = [parse_exposure(each.to_json()) for each in sent.exposures]
    assert read == sent.exposures
    assert [each.kind for each in read] == ["served", "seen", "click", "seen"], "a preview is not logged"
    assert {each.exposure_id for each in read} == {exposure}
    assert (read[0].customer_id, read[0].products, read[0].place, read[2].product_id) == ("ann", ("p0",), "home", "p0")


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/v1/customers/ann/recommendations?cuont=3", None, "There is no parameter 'cuont'; /docs lists them."),
        ("GET", "/v1/customers/ann/recommendations?count=51", None, "count: input should be less than or equal to 50."),
        ("GET", "/v1/customers/ann/recommendations?min_price=cheap", None, "min_price: "),
        ("GET", "/v1/customers/a%E2%80%8Bn/recommendations", None, "customer_id: "),
        ("POST", "/v1/session", {"products": "p1"}, "products: input should be a valid list."),
        ("POST", "/v1/exposures/short/seen", None, "exposure_id: "),
        ("POST", f"/v1/exposures/{EXPOSURE}/click", {"product_id": "p\u2028"}, "product_id: "),
        ("POST", "/v1/exposures", {"reports": [{"kind": "click", "exposure_id": EXPOSURE}]}, "a click needs a product_id"),
    ],
)
def test_bad_input_is_answered_in_words(shop: Shop, method: str, path: str, body: Any, words: str) -> None:
    async def send(client: httpx.AsyncClient, parts: Parts) -> httpx.Response:
        return await client.request(method, path, json=body)

    (response,) = shop.ask(send)
    assert response.status_code == 422
    assert words in response.json()["detail"]


def test_token_and_limit(shop: Shop) -> None:
    async def ask(client: httpx.AsyncClient, parts: Parts) -> list[int]:
        path = "/v1/customers/ann/recommendations"
        wrong = await client.get(path, headers={"Authorization": "Bearer wrong"})
        return [wrong.status_code, *[(await client.get(path)).status_code for _ in range(3)]]

    (statuses,) = shop.ask(ask, recommend_rate=2)
    assert statuses[:3] == [401, 200, 429]


def test_health_names_what_is_away(shop: Shop) -> None:
    async def ask(client: httpx.AsyncClient, parts: Parts) -> dict[str, str]:
        health: dict[str, str] = (await client.get("/health", headers={"Authorization": ""})).json()
        return health

    (health,) = shop.ask(ask)
    assert (health["status"], health["serves"]) == ("problem", "one, as of 2026-11-29")
    assert health["problem"].startswith("postgres: ")
