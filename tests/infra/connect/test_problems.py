"""What is wrong with a shop's database, and the SQL that repairs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infra.connect.database import DatabaseFacts, SlotFacts, TableFacts
from infra.connect.problems import INIT, Problem, find_problems
from infra.connect.shop import SAMPLE_PASSWORD, CapturedTable, Shop

ORDERS = CapturedTable("orders", "web.orders", ("id", "total"))
SHOP = Shop("db", 5432, "web", "reader", "CDC_X", (ORDERS,), place="shop.toml")
OWN = TableFacts(("id",), ("id",), writable=True)
GOOD = DatabaseFacts(
    wal_level="logical",
    may_replicate=True,
    free_slots=1,
    now=0.0,
    tables={
        "web.orders": TableFacts(("id", "total", "secret"), ("id",)),
        "cdc.heartbeat": OWN,
        "cdc.signals": OWN,
    },
    publication=True,
    published_tables=frozenset({"web.orders", "cdc.heartbeat", "cdc.signals"}),
)


def with_table(name: str, **changes: Any) -> DatabaseFacts:
    return replace(GOOD, tables={**GOOD.tables, name: replace(GOOD.tables[name], **changes)})


def without(name: str) -> DatabaseFacts:
    return replace(GOOD, tables={key: value for key, value in GOOD.tables.items() if key != name})


def find_one(shop: Shop, facts: DatabaseFacts) -> Problem:
    (problem,) = find_problems(shop, facts)
    return problem


def test_a_database_in_order_has_no_problem() -> None:
    assert find_problems(SHOP, GOOD) == ()


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        (replace(GOOD, wal_level="replica"), "ALTER SYSTEM SET wal_level = 'logical'"),
        (replace(GOOD, may_replicate=False), "ALTER ROLE reader REPLICATION;"),
        (replace(GOOD, free_slots=0), "max_replication_slots"),
        (with_table("web.orders", key=()), "ALTER TABLE web.orders ADD PRIMARY KEY"),
        (with_table("web.orders", readable=False), "GRANT USAGE ON SCHEMA web TO reader; GRANT SELECT ON web.orders TO reader;"),
        (with_table("web.orders", columns=("id", "totals")), "'totals'"),
        (with_table("web.orders", columns=("id", "total", "shop"), key=("shop", "id")), "add shop to its columns"),
        (replace(GOOD, publication=None), "CREATE PUBLICATION cdc_shop FOR TABLE web.orders, cdc.heartbeat, cdc.signals;"),
        (
            replace(GOOD, published_tables=frozenset({"cdc.heartbeat", "cdc.signals"})),
            "ALTER PUBLICATION cdc_shop ADD TABLE web.orders;",
        ),
        (replace(GOOD, publication=False), "ALTER PUBLICATION cdc_shop SET (publish"),
        (without("cdc.heartbeat"), "CREATE TABLE cdc.heartbeat"),
        (with_table("cdc.heartbeat", writable=False), "GRANT SELECT, INSERT, UPDATE ON cdc.heartbeat TO reader;"),
        (with_table("cdc.signals", writable=False), "GRANT SELECT, INSERT ON cdc.signals TO reader;"),
    ],
)
def test_one_problem_has_one_remedy(facts: DatabaseFacts, remedy: str) -> None:
    assert remedy in find_one(SHOP, facts).remedy


def test_a_table_that_does_not_exist_is_named_with_its_place_in_the_file() -> None:
    problem = find_one(SHOP, replace(GOOD, tables={**without("web.orders").tables, "web.order": OWN}))
    assert "shop.toml: tables.orders (web.orders)" in problem.wrong
    assert "'web.order'" in problem.remedy


def test_a_slot_of_its_own_needs_no_free_one() -> None:
    assert find_problems(SHOP, replace(GOOD, free_slots=0, slot=SlotFacts(True, "reserved", 0, 0))) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: replace(facts, may_replicate=False),
        lambda facts: replace(facts, publication=None),
        lambda facts: replace(facts, tables={}),
    ],
)
def test_the_sample_shop_is_repaired_by_its_own_command(change: Callable[[DatabaseFacts], DatabaseFacts]) -> None:
    problems = find_problems(replace(SHOP, password_variable=SAMPLE_PASSWORD, place=""), change(GOOD))
    assert {problem.remedy for problem in problems} == {INIT}


def test_what_is_not_published_is_lost() -> None:
    assert find_one(SHOP, replace(GOOD, publication=None)).loses_changes
    assert not find_one(SHOP, replace(GOOD, may_replicate=False)).loses_changes
