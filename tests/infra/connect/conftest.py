"""A shop's database of the tests' own on the stack's server, with its connector."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from psycopg import sql

from cdp.settings import Settings
from infra.connect import operations
from infra.connect.shop import Shop, sample_shop
from infra.stack.stack import Stack
from source_server.shop.database import Connection, apply_schema, connect_shop
from tests.conftest import TestStack


@dataclass(frozen=True)
class LiveShop:
    """The stack, the settings that lead to the database, the shop as the connector sees it, and a connection as its owner."""

    stack: Stack
    settings: Settings
    shop: Shop
    connection: Connection


@pytest.fixture(scope="module")
def live_shop(test_stack: TestStack) -> Iterator[LiveShop]:
    """A new database with the sample shop's schema. No connector is registered yet; the one that a test registers is deleted."""
    stack = test_stack.require(("connect",))
    name = f"shop_{uuid.uuid4().hex[:8]}"
    server = connect_shop(stack.settings)
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    settings = replace(stack.settings, shop_database=name)
    connection = connect_shop(settings)
    apply_schema(connection, settings)
    yield LiveShop(stack, settings, replace(sample_shop(settings), slot=name), connection)
    if operations.open_api(stack).read_status():
        operations.delete(stack)
    connection.close()
    server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    server.close()


def run_sql(live_shop: LiveShop, *statements: str) -> None:
    for statement in statements:
        live_shop.connection.execute(statement)  # type: ignore[arg-type]
