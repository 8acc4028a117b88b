"""Fixtures for the tests of the source: settings of an empty folder, the app without a socket, and small event files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from cdp.settings import Settings, load
from source_server.http.app import create_app
from source_server.intake import mapping_for, store

Get = Callable[..., httpx.Response]

#: A row that fits the contract; tests name only what differs.
GOOD: dict[str, Any] = {
    "event_time": "2019-10-01 00:00:00 UTC",
    "event_type": "view",
    "product_id": "1",
    "price": "9.50",
    "user_id": "u1",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty installation."""
    return load({"CDP_VAR_DIR": str(tmp_path / "var")})


@pytest.fixture
def get(settings: Settings) -> Get:
    return make_get(settings)


def add_file(settings: Settings, path: Path, mapping: str | None = None) -> store.Dataset:
    """Add the file as a data set."""
    return store.add(settings, path, mapping_for(mapping))


def make_get(settings: Settings) -> Get:
    """A function that sends requests to the app without a server."""

    def get(path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(create_app(settings))
            async with httpx.AsyncClient(transport=transport, base_url="http://source") as client:
                return await client.get(path, **options)

        return asyncio.run(ask())

    return get


@pytest.fixture
def ndjson(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of lines: rows as differences from the good one, bytes as they are."""

    def write(name: str, *rows: dict[str, Any] | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(b"".join((row if isinstance(row, bytes) else orjson.dumps(GOOD | row)) + b"\n" for row in rows))
        return path

    return write
