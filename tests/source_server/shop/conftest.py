"""A database of a test's own on the shop's server, and the command line as a program of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest

from cdp.postgres import shop_connection_arguments
from cdp.settings import REPOSITORY, Settings
from infra.stack.stack import Stack
from source_server.shop.api import create_app

RunShop = Callable[..., "subprocess.CompletedProcess[str]"]
Get = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Iterator[Settings]:
    """The settings of an empty database."""
    stack: Stack = request.getfixturevalue("test_stack").require(("shop-db",))
    name = f"test_{uuid.uuid4().hex[:8]}"
    administer(stack.settings, f"CREATE DATABASE {name}")
    try:
        yield replace(stack.settings, shop_database=name)
    finally:
        administer(stack.settings, f"DROP DATABASE {name} WITH (FORCE)")


def administer(settings: Settings, statement: str) -> None:
    arguments = shop_connection_arguments(settings, "owner", "test") | {"dbname": "postgres"}
    with closing(psycopg.connect(**arguments, autocommit=True)) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def make_environment(settings: Settings) -> dict[str, str]:
    return os.environ | {"CDP_SHOP_DATABASE": settings.shop_database, "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def run_shop(shop: Settings) -> RunShop:
    """Runs a verb of the shop on the test's database."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "source_server.shop", *arguments]
        environment = make_environment(shop)
        return subprocess.run(argv, env=environment, cwd=REPOSITORY, text=True, capture_output=True, stdin=subprocess.DEVNULL)

    return run


def query(settings: Settings, sql: str, login: Any = "owner") -> list[tuple[Any, ...]]:
    with closing(psycopg.connect(**shop_connection_arguments(settings, login, "test"), autocommit=True)) as connection:
        return connection.execute(sql).fetchall()  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def get(shop: Settings) -> Get:
    """Sends requests to the API without a server."""
    app = create_app(shop)

    def send(path: str, **parameters: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
                return await client.get(path, params=parameters)

        return asyncio.run(ask())

    return send
