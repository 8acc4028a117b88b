"""The API with Kafka and Postgres: what it logs, what it takes from the shop's database, and that it answers without them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from confluent_kafka import Consumer, TopicPartition
from starlette.testclient import TestClient

from cdp.events.topics import REC_EXPOSURES
from cdp.kafka import client_config
from cdp.mart.daily import create_statements
from cdp.mart.recommend import LATENCY
from cdp.mart.shop import PRODUCT
from cdp.postgres import connection_arguments
from cdp.recommend.experiments import Arm, Experiment, find_arm
from cdp.recommend.exposures import CLICK, SEEN, SERVED, Exposure, parse_exposure
from cdp.settings import Settings
from cdp_web.recommend.api import exposures, refresh
from cdp_web.recommend.api.app import create_app
from tests.cdp_web.recommend.api.conftest import TOKEN, OpenApi
from tests.cdp_web.recommend.api.shop import make_customer, make_publication, publish
from tests.databases import database, rows

LIST = "/v1/customers/{}/recommendations?count=3&place=home"


def read_exposures(settings: Settings, exposure_id: str, count: int) -> list[Exposure]:
    """The messages about this list, in the order of Kafka."""
    config = {"group.id": "test", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    messages: list[Exposure] = []
    deadline = time.monotonic() + 30
    with Consumer(client_config(settings) | config) as consumer:
        consumer.assign([TopicPartition(REC_EXPOSURES.name, number, 0) for number in range(settings.kafka_partitions)])
        while len(messages) < count and time.monotonic() < deadline:
            values = [message.value() or b"" for message in consumer.consume(100, timeout=0.3)]
            messages += [parse_exposure(value) for value in values if exposure_id.encode() in value]
    return messages


@pytest.mark.stack("redis", "kafka")
def test_what_is_served_seen_and_clicked_reaches_kafka(api_settings: Settings, store: redis.Redis, open_api: OpenApi) -> None:
    """A browser reports without the token. Previews are not logged."""
    publish(api_settings, store, make_publication(), {"anna": make_customer(for_you=("p3",), products=("p1",))})
    api = open_api()
    now = datetime.now(UTC)
    arms = (Arm("control", "champion", 5000), Arm("other", "popular", 5000))
    experiment = Experiment("e1", "home", now, now + timedelta(days=1), arms)
    api.app.state.parts.state.experiments = [experiment]  # type: ignore[attr-defined]
    answers = {arm.name: api.get(LIST.format(_find_customer(experiment, arm))).json() for arm in arms}
    assert [(each["experiment"], each["arm"], each["source"]) for each in answers.values()] == [
        ("e1", "control", "popular"),
        ("e1", "other", "popular"),
    ]
    elsewhere = api.get("/v1/customers/anna/recommendations?count=3&place=cart").json()
    assert (elsewhere["experiment"], elsewhere["source"]) == ("", "stored")
    shown = elsewhere["exposure_id"]
    assert api.get(f"{LIST.format('anna')}&log=false").json()["exposure_id"] == ""
    browser = {"Authorization": ""}
    assert api.post(f"/v1/exposures/{shown}/seen", headers=browser).json() == {"accepted": 1}
    assert api.post(f"/v1/exposures/{shown}/click", json={"product_id": "p3"}, headers=browser).status_code == 200
    again = {"reports": [{"kind": "seen", "exposure_id": shown}, {"kind": "click", "exposure_id": shown, "product_id": "p3"}]}
    assert api.post("/v1/exposures", json=again, headers=browser).json() == {"accepted": 2}
    for refused in ("short", "Z" * 32, f"{shown}0"):
        assert api.post(f"/v1/exposures/{refused}/seen", headers=browser).status_code == 422
    messages = read_exposures(api_settings, shown, 5)
    served = messages[0]
    assert [each.kind for each in messages] == [SERVED, SEEN, CLICK, SEEN, CLICK]
    assert (served.customer_id, served.place, served.list_name, served.source) == ("anna", "cart", "for-you", "stored")
    assert (served.publication, served.products[0], messages[2].product_id) == (make_publication().name, "p3", "p3")


def _find_customer(experiment: Experiment, arm: Arm) -> str:
    return next(f"c{each}" for each in range(1000) if find_arm(experiment, f"c{each}") == arm)


@pytest.mark.stack("redis")
def test_kafka_is_away(api_settings: Settings, store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers go on, and what can't be sent is counted."""
    monkeypatch.setattr(exposures, "MOST_WAITING", 5)
    monkeypatch.setattr(exposures, "FLUSH_SECONDS", 0.1)
    settings = replace(api_settings, kafka_bootstrap="127.0.0.1:1")
    publish(settings, store, make_publication(), {})
    with TestClient(create_app(settings), headers=TOKEN) as api:
        lost = _count_lost(api)
        assert all(api.get(LIST.format("anna")).json()["exposure_id"] for _ in range(8))
        assert _count_lost(api) == lost + 3


def _count_lost(api: TestClient) -> float:
    lines = api.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("recommend_exposures_lost_total"))


@pytest.fixture
def add_products(api_settings: Settings) -> Any:
    """A database of the test's own; the settings with it, and a function that writes products as the stream "shop" does."""
    with database(api_settings) as settings, psycopg.connect(**connection_arguments(settings, "test"), autocommit=True) as shop:
        for statement in create_statements([PRODUCT]):
            shop.execute(statement)

        def add(batch: int, *products: tuple[str, str, int, bool]) -> None:
            shop.cursor().executemany(
                f"INSERT INTO {PRODUCT.full_name} (product_id, name, price, stock, active, batch) VALUES (%s, %s, 5, %s, %s, %s)"
                " ON CONFLICT (product_id) DO UPDATE SET stock = excluded.stock, batch = excluded.batch",
                [(*product, batch) for product in products],
            )

        yield settings, add, lambda product: shop.execute(f"DELETE FROM {PRODUCT.full_name} WHERE product_id = %s", [product])


@pytest.mark.stack("redis", "postgres")
def test_the_shops_products_and_the_times_of_answers(
    add_products: tuple[Settings, Callable[..., None], Callable[[str], Any]],
    store: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings, add, delete = add_products
    monkeypatch.setattr(exposures, "FLUSH_SECONDS", 0.1)
    monkeypatch.setattr(refresh, "POINTER_SECONDS", 600)
    publish(settings, store, make_publication(), {})
    add(1, ("l0", "Lamp", 3, True), ("l1", "Lantern", 2, True), ("l2", "Gone", 0, True), ("l3", "Old", 5, False))
    with TestClient(create_app(settings), headers=TOKEN) as api:
        state = api.app.state.parts.state  # type: ignore[attr-defined]

        def ask() -> list[tuple[str, str]]:
            state.refresh_shop()
            return [(item["name"], item["price"]) for item in api.get(LIST.format("anna")).json()["items"]]

        assert ask() == [("Lamp", "5.00"), ("Lantern", "5.00")]
        add(2, ("l0", "Lamp", 0, True), ("l2", "Back", 1, True))
        assert ask() == [("Lantern", "5.00"), ("Gone", "5.00")]
        delete("l1")
        assert ask() == [("Gone", "5.00")]
        monkeypatch.setattr(state, "settings", replace(settings, postgres_host="127.0.0.1", postgres_port=1))
        assert ask() == [("Gone", "5.00")], "the last state stays while Postgres is away"
        assert api.get("/health").json()["status"] == "problem"
    written = rows(settings, f"SELECT sum(answers), sum(stale), sum(errors) FROM {LATENCY.full_name} WHERE place = 'home'")
    assert [tuple(map(int, row)) for row in written] == [(4, 0, 0)]
    buckets = rows(
        settings, f"SELECT sum(number::int) FROM {LATENCY.full_name}, jsonb_each_text(buckets) AS each (bound, number)"
    )
    assert buckets == [(4,)]
