"""A lake on the local disk, a database of its own, and a Redis database that is empty before and after the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import redis
from deltalake import write_deltalake

from batch.recommend import __main__ as program
from cdp.lake.paths import EVENTS, INTERACTIONS, table_url
from cdp.settings import Settings
from infra.stack.stack import Stack
from tests.batch.recommend.made import EVENT_SCHEMA, INTERACTION_SCHEMA, make_groups
from tests.databases import database

#: Celery and the site's live numbers use database 0.
REDIS_DATABASE = 9


@pytest.fixture
def settings(tmp_path: Path, servers: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    url = servers.settings.redis_url.removesuffix("/0") + f"/{REDIS_DATABASE}"
    own = replace(servers.settings, var_dir=tmp_path / "var", hdfs_url=f"file:{tmp_path}", redis_url=url)
    with database(own) as settings:
        monkeypatch.setattr(program, "current", lambda: settings)
        yield settings


@pytest.fixture
def store(settings: Settings) -> Iterator[redis.Redis]:
    """The test's Redis database."""
    client = redis.Redis.from_url(settings.redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def lake(settings: Settings) -> None:
    interactions, views = make_groups()
    write_deltalake(table_url(settings, INTERACTIONS), pa.Table.from_pylist(interactions, INTERACTION_SCHEMA))
    write_deltalake(table_url(settings, EVENTS), pa.Table.from_pylist(views, EVENT_SCHEMA))
