"""The API over HTTP with real Redis: what it answers, refuses and does without."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

import pytest
import redis
from starlette.testclient import TestClient

from cdp.interests import InterestRow, write_bought, write_interests
from cdp.settings import Settings
from cdp_web.recommend.api import refresh, visitors
from cdp_web.recommend.api.visitors import SECONDS
from tests.cdp_web.recommend.api.conftest import OpenApi
from tests.cdp_web.recommend.api.shop import LAMPS, PHONES, PRODUCTS, make_customer, make_publication, publish, reverse

pytestmark = pytest.mark.stack("redis")
#: A loaded machine runs the test beside other things.
TOLERANCE_SECONDS = 0.25
ANNA = {"anna": make_customer(for_you=("p3", "l1"), buy_again=("l0",), products=("p1", "l0"), bought=("l0",))}
ANNAS_LIST = "/v1/customers/anna/recommendations?count=2"


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["product_id"] for item in answer["items"]]


def test_a_list_of_the_night(api_settings: Settings, store: redis.Redis, open_api: OpenApi) -> None:
    publish(api_settings, store, make_publication(), ANNA)
    api = open_api()
    answer = api.get(f"{ANNAS_LIST}&place=home").json()
    first = answer["items"][0]
    assert (answer["source"], answer["publication"], answer["place"]) == ("stored", make_publication().name, "home")
    assert (answer["stale"], answer["experiment"], len(answer["exposure_id"])) == (False, "", 32)
    assert first["reason"] == {"code": "looked-at", "product_id": "l0", "text": "Because you looked at l0"}
    assert (first["product_id"], first["price"], first["category"], first["name"]) == ("p3", "400.00", "electronics.phone", "")
    assert ids(api.get(f"{ANNAS_LIST}&list=buy-again").json()) == ["l0"]
    assert api.get(f"{ANNAS_LIST}&log=false").json()["exposure_id"] == ""
    health = api.get("/health", headers={"Authorization": ""}).json()
    assert health["serves"].startswith(make_publication().name)


def test_this_minute_counts(api_settings: Settings, store: redis.Redis, open_api: OpenApi) -> None:
    """What the stream "live" has written a moment ago: a view of a phone, and the purchase of a lamp that goes with it."""
    publish(api_settings, store, make_publication(), ANNA)
    api, now = open_api(), datetime.now(UTC)
    with redis.Redis.from_url(api_settings.redis_url, decode_responses=True) as client:
        minute = now.replace(second=0, microsecond=0)
        write_interests(client, [InterestRow("anna", minute, "product", "p0", 1)], now, api_settings.interest_minutes)
        assert ids(api.get(ANNAS_LIST).json())[0] == "l1"
        write_bought(client, {"anna": ["l1"]})
    answer = api.get(ANNAS_LIST).json()
    assert (answer["source"], ids(answer)[0]) == ("session", "l2")


def test_lists_of_visits_carts_and_products(api_settings: Settings, store: redis.Redis, open_api: OpenApi) -> None:
    publish(api_settings, store, make_publication(), ANNA)
    api = open_api()
    session = api.post("/v1/session", json={"products": ["p0"], "count": 1}).json()
    assert (session["list"], session["source"], ids(session)) == ("for-you", "session", ["l1"])
    cart = api.post("/v1/cart", json={"products": ["l0"], "customer_id": "anna", "place": "cart", "count": 1}).json()
    assert (cart["list"], cart["source"], ids(cart)) == ("goes-with", "seen-together", ["p3"])
    similar = api.get("/v1/products/l0/recommendations?list=similar&count=3&customer_id=nobody").json()
    assert (similar["source"], set(ids(similar))) == ("alike", {"l1", "l2", "l3"})
    unknown = api.get("/v1/products/unknown/recommendations?count=1").json()
    assert (unknown["source"], ids(unknown)) == ("popular", ["l0"])


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/v1/customers/anna/recommendations?count=0", "count: input should be greater than or equal to 1."),
        ("/v1/customers/anna/recommendations?list=hot", "list: input should be 'for-you' or 'buy-again'."),
        ("/v1/customers/anna/recommendations?plaec=home", "There is no parameter 'plaec'; /docs lists them."),
        ("/v1/products/p1/recommendations?min_price=cheap", "min_price: input should be a valid decimal."),
    ],
)
def test_bad_input_is_refused_in_one_sentence(address: str, sentence: str, open_api: OpenApi) -> None:
    answer = open_api().get(address)
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)


def test_only_callers_with_the_token_get_lists(open_api: OpenApi) -> None:
    api = open_api()
    for token in ("", "Bearer ", "Bearer wrong"):
        assert api.get(ANNAS_LIST, headers={"Authorization": token}).status_code == 401
    assert api.get("/docs", headers={"Authorization": ""}).status_code == 200
    assert "https://" not in api.get("/docs").text, "the page works offline"
    assert "recommend_answer_seconds" in api.get("/metrics", headers={"Authorization": ""}).text


def test_before_the_first_publication(open_api: OpenApi) -> None:
    api = open_api()
    answer = api.get(ANNAS_LIST).json()
    assert (answer["items"], answer["source"], answer["publication"], answer["exposure_id"]) == ([], "nothing", "", "")
    assert "./run recommend publish" in api.get("/health").json()["serves"]


def test_redis_is_emptied(api_settings: Settings, store: redis.Redis, open_api: OpenApi) -> None:
    publish(api_settings, store, make_publication(), ANNA)
    api = open_api()
    store.flushdb()
    answer = api.get(ANNAS_LIST).json()
    assert (answer["source"], ids(answer), answer["stale"]) == ("popular", ["l0", "l1"], False)


def test_redis_was_lost_before_the_api_starts(api_settings: Settings, store: redis.Redis, open_api: OpenApi) -> None:
    publish(api_settings, store, make_publication(), ANNA)
    store.flushdb()
    away = replace(api_settings, redis_url="redis://127.0.0.1:1")
    for settings, is_stale in ((api_settings, False), (away, True)):
        answer = open_api(settings).get(ANNAS_LIST).json()
        assert (answer["source"], ids(answer), answer["stale"]) == ("popular", ["l0", "l1"], is_stale)


@contextmanager
def stopped(client: redis.Redis) -> Iterator[None]:
    """Redis that takes connections and never answers."""
    process = client.info("server")["process_id"]  # type: ignore[index]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def ask(api: TestClient, address: str = ANNAS_LIST) -> tuple[dict[str, Any], float]:
    begin = time.monotonic()
    answer = api.get(address)
    assert answer.status_code == 200
    return answer.json(), time.monotonic() - begin


def test_redis_hangs(api_settings: Settings, store: redis.Redis, open_api: OpenApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known customers get what they got before, others what is popular, in time. Afterwards nothing is mixed up."""
    publish(api_settings, store, make_publication(), ANNA)
    api = open_api()
    assert ids(ask(api)[0]) == ["p3", "l1"]
    monkeypatch.setattr(visitors, "SECONDS", SECONDS)
    with stopped(store):
        answers = [ask(api) for _ in range(20)]
        stranger, _ = ask(api, "/v1/customers/boris/recommendations?count=1")
    assert all((ids(answer), answer["stale"]) == (["p3", "l1"], True) for answer, _ in answers)
    assert median(seconds for _, seconds in answers) < SECONDS + TOLERANCE_SECONDS
    quick = [seconds for _, seconds in answers if seconds < SECONDS]
    assert len(quick) > len(answers) / 4, "not each request waits"
    assert (ids(stranger), stranger["stale"]) == (["l0"], True)
    deadline = time.monotonic() + 10
    while ask(api)[0]["stale"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert ids(ask(api, "/v1/customers/boris/recommendations?count=1")[0]) == ["l0"]
    assert ids(ask(api)[0]) == ["p3", "l1"]


def test_a_switch_under_load_gives_no_mixed_answer(
    api_settings: Settings, store: redis.Redis, open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second publication numbers the products the other way round. Its lists have phones, those of the first have lamps: a
    list of one, read with the numbers of the other, would have the wrong kind of product."""
    monkeypatch.setattr(refresh, "POINTER_SECONDS", 0.05)
    first = make_publication()
    second = reverse(first, "2026-11-30-00000002")
    lists = {first.name: LAMPS, second.name: PHONES[:4]}
    lamps, phones = make_customer(LAMPS), make_customer(PHONES[:4], order=PRODUCTS[::-1])
    customers = [f"c{each}" for each in range(20)]
    publish(api_settings, store, first, dict.fromkeys(customers, lamps))
    api, done, answers = open_api(), threading.Event(), []

    def load() -> None:
        while not done.is_set():
            answers.extend(ask(api, f"/v1/customers/{customer}/recommendations?count=4")[0] for customer in customers)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for publication, customer in ((second, phones), (first, lamps), (second, phones)):
        time.sleep(0.5)
        publish(api_settings, store, publication, dict.fromkeys(customers, customer))
    time.sleep(0.5)
    done.set()
    for thread in threads:
        thread.join()
    assert {answer["publication"] for answer in answers} == set(lists)
    assert [answer for answer in answers if tuple(ids(answer)) != lists[answer["publication"]]] == []
