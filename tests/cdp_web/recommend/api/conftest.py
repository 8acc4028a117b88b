"""The API in this process, with its state in a folder of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from starlette.testclient import TestClient

from cdp.recommend.online import POINTER
from cdp.settings import Settings
from cdp_web.recommend.api import answering, exposures, visitors
from cdp_web.recommend.api.app import create_app
from infra.stack.stack import Stack

TOKEN = {"Authorization": "Bearer secret"}
OpenApi = Callable[..., TestClient]


@pytest.fixture
def api_settings(servers: Stack, tmp_path: Path) -> Settings:
    return replace(servers.settings, var_dir=tmp_path, recommend_token="secret", recommend_rate=0)


@pytest.fixture
def store(api_settings: Settings) -> Iterator[redis.Redis]:
    """Redis without what the API reads."""
    with redis.Redis.from_url(api_settings.redis_url) as client:
        forget(client)
        yield client
        forget(client)


def forget(client: redis.Redis) -> None:
    names = [POINTER, *(name for kind in ("rec", "interests", "bought") for name in client.keys(f"{kind}:*"))]
    client.delete(*names)


@pytest.fixture
def open_api(api_settings: Settings, store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenApi]:
    """Start the API; call it after what it is to find in Redis is there. Short lists have no place for new products, and answers
    have time, because the machine may be busy with other things."""
    monkeypatch.setattr(visitors, "SECONDS", 5.0)
    monkeypatch.setattr(answering, "choose_new_places", lambda count, chance: [])
    monkeypatch.setattr(exposures, "FLUSH_SECONDS", 0.1)
    with ExitStack() as stack:
        yield lambda settings=api_settings: stack.enter_context(TestClient(create_app(settings), headers=TOKEN))
