"""Debezium on a real shop: what its messages contain, what its status says when something breaks, and kill -9."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.connect import operations
from infra.connect.health import find_first_problem
from infra.stack.stack import StackError
from infra.stack.supervise import Supervisor
from source_server.shop.tables import TABLES
from tests.infra.connect.conftest import LiveShop, run_sql
from tests.infra.connect.rebuild import ChangeLog, read_changes, read_table, rebuild

pytestmark = [pytest.mark.stack("connect"), pytest.mark.subprocess, pytest.mark.timeout(180)]

NAMES = tuple(table.name for table in TABLES)
FIRST = (
    "INSERT INTO shop.categories VALUES (1, NULL, 'all', 'All')",
    "INSERT INTO shop.products (product_id, category_id, name, price, stock) VALUES (1, 1, 'Lamp', 9999999999.99, 5)",
    "INSERT INTO shop.products (product_id, category_id, name, price, stock) VALUES (2, 1, 'Cup', 0.10, 7)",
    "INSERT INTO shop.customers (customer_id, name, email, city) VALUES (1, 'Ada', 'ada@example.org', 'Paris')",
)
SIGNALS = "CREATE TABLE cdc.signals (id varchar(64) PRIMARY KEY, type text, data text)"
BACK_WITHIN = 30


@pytest.fixture(scope="module")
def log(live_shop: LiveShop) -> Iterator[ChangeLog]:
    """The topics, from just before the connector reads all rows for the first time."""
    run_sql(live_shop, *FIRST)
    log = ChangeLog(live_shop.settings, NAMES)
    operations.register_shop(live_shop.stack, live_shop.shop)
    yield log
    log.close()


def add_marker(live_shop: LiveShop, number: int) -> dict[str, Any]:
    """A row whose message comes after those of all changes before it. Returns its key."""
    text = f"({number}, 'Marker', 'marker{number}@example.org', 'Rome')"
    run_sql(live_shop, f"INSERT INTO shop.customers (customer_id, name, email, city) VALUES {text}")
    return {"customer_id": number}


def test_rows_are_read_first_and_then_their_changes(live_shop: LiveShop, log: ChangeLog) -> None:
    run_sql(
        live_shop,
        "UPDATE shop.products SET price = 19.90 WHERE product_id = 1",
        "ALTER TABLE shop.products ADD COLUMN colour text",
        "UPDATE shop.products SET colour = 'red' WHERE product_id = 2",
        "INSERT INTO shop.wishlists (customer_id, product_id) VALUES (1, 2)",
        "DELETE FROM shop.wishlists",
    )
    messages = log.read_until("customers", add_marker(live_shop, 900))
    changes = list(read_changes(messages, "products"))
    assert [change["op"] for change in changes] == ["r", "r", "u", "u"]
    assert [change["after"]["price"] for change in changes] == ["9999999999.99", "0.10", "19.90", "0.10"]
    assert (changes[2]["before"]["price"], changes[2]["source"]["snapshot"]) == ("9999999999.99", "false")
    assert "colour" not in changes[2]["after"]
    assert changes[3]["after"]["colour"] == "red"
    assert [change["op"] for change in read_changes(messages, "wishlists")] == ["c", "d"]
    tombstones = [message for message in messages if message.value() is None]
    assert [message.topic() for message in tombstones] == ["cdc.shop.wishlists"]
    assert {change["source"]["db"] for change in read_changes(messages, "customers")} == {live_shop.settings.shop_database}


def test_a_row_of_two_megabytes_arrives(live_shop: LiveShop, log: ChangeLog) -> None:
    run_sql(live_shop, "UPDATE shop.products SET name = repeat('x', 2000000) WHERE product_id = 2")
    messages = log.read_until("customers", add_marker(live_shop, 901))
    assert len(list(read_changes(messages, "products"))[-1]["after"]["name"]) == 2_000_000


def test_a_registered_connector_is_well(live_shop: LiveShop, log: ChangeLog) -> None:
    assert find_first_problem(operations.read_findings(live_shop.stack)) is None
    operations.register_shop(live_shop.stack, live_shop.shop)  # again is harmless


@pytest.mark.parametrize(
    ("break_it", "repair_it", "name"),
    [
        ("ALTER ROLE cdc NOREPLICATION", "ALTER ROLE cdc REPLICATION", "cdc"),
        (
            "ALTER PUBLICATION cdc_shop DROP TABLE shop.carts",
            "ALTER PUBLICATION cdc_shop ADD TABLE shop.carts",
            "shop.carts",
        ),
        ("REVOKE SELECT ON shop.carts FROM cdc", "GRANT SELECT ON shop.carts TO cdc", "shop.carts"),
        (
            "ALTER TABLE shop.refunds DROP CONSTRAINT refunds_pkey",
            "ALTER TABLE shop.refunds ADD PRIMARY KEY (refund_id)",
            "shop.refunds",
        ),
        (
            "DROP TABLE cdc.signals",
            f"{SIGNALS}; GRANT SELECT, INSERT ON cdc.signals TO cdc; ALTER PUBLICATION cdc_shop ADD TABLE cdc.signals",
            "cdc.signals",
        ),
    ],
)
def test_what_breaks_is_named_although_the_connector_says_running(
    live_shop: LiveShop, log: ChangeLog, break_it: str, repair_it: str, name: str
) -> None:
    run_sql(live_shop, break_it)
    try:
        problem = find_first_problem(operations.read_findings(live_shop.stack))
    finally:
        run_sql(live_shop, repair_it)
    assert problem
    assert problem.what == "database"
    assert name in problem.value
    assert problem.remedy


def test_another_shop_is_refused(live_shop: LiveShop, log: ChangeLog) -> None:
    with pytest.raises(StackError, match=live_shop.settings.shop_database):
        operations.register_shop(live_shop.stack, replace(live_shop.shop, database="another"))
    with pytest.raises(StackError, match=r"127\.0\.0\.1:9"):
        operations.register_shop(live_shop.stack, replace(live_shop.shop, port=9))


def test_a_snapshot_on_request_sends_the_rows_again(live_shop: LiveShop, log: ChangeLog) -> None:
    before = len(list(read_changes(log.messages, "categories")))
    operations.snapshot(live_shop.stack, ["categories"])
    deadline = time.monotonic() + BACK_WITHIN
    number = 902
    while (changes := list(read_changes(log.messages, "categories")))[before:] == []:
        assert time.monotonic() < deadline
        log.read_until("customers", add_marker(live_shop, number))
        number += 1
    assert [change["op"] for change in changes[before:]] == ["r"]


def make_change(live_shop: LiveShop, dice: random.Random, number: int) -> None:
    """One transaction of a shop: an order with lines, another status, a cart, a payment, a deletion."""
    order, product = dice.randrange(1, number + 2), dice.randint(1, 2)
    new_order = f"{number + 1000}, 1, {dice.randint(1, 99999) / 100}, 'USD'"
    statements = (
        f"INSERT INTO shop.orders (order_id, customer_id, total, currency) VALUES ({new_order})",
        f"UPDATE shop.orders SET status = 'paid', total = total + 0.01, updated_at = now() WHERE order_id = {order + 1000}",
        f"DELETE FROM shop.orders WHERE order_id = {order + 1000}",
        f"UPDATE shop.products SET stock = {dice.randint(0, 500)} WHERE product_id = {product}",
        "INSERT INTO shop.wishlists (customer_id, product_id) VALUES (1, 1) ON CONFLICT DO NOTHING",
        "DELETE FROM shop.wishlists",
    )
    chosen = dice.choices(statements, (6, 4, 1, 3, 1, 1))[0]
    with live_shop.connection.transaction(force_rollback=dice.random() < 0.1):
        run_sql(live_shop, chosen)
        if chosen.startswith("INSERT INTO shop.orders"):
            run_sql(
                live_shop,
                "INSERT INTO shop.order_items (order_id, line, product_id, quantity, unit_price, amount) "
                f"SELECT {number + 1000}, line, {product}, line, 0.10, 0.10 * line FROM generate_series(1, 3) line",
            )


def kill(live_shop: LiveShop) -> int:
    pid = Supervisor(live_shop.stack).state("connect").pid
    os.kill(pid, signal.SIGKILL)
    return pid


def test_kills_lose_and_double_nothing(live_shop: LiveShop, log: ChangeLog) -> None:
    dice, old_pids = random.Random(7), set[int]()
    for number in range(500):
        make_change(live_shop, dice, number)
        if number in (100, 350):
            old_pids.add(kill(live_shop))
        time.sleep(0.02)
    messages = log.read_until("customers", add_marker(live_shop, 999))
    for table in TABLES:
        assert rebuild(messages, table.name) == read_table(live_shop.connection, table.name, table.key), table.name
    assert len(old_pids - {0, Supervisor(live_shop.stack).state("connect").pid}) == 2
    assert len(rebuild(messages, "orders")) > 100
    seen = [(message.topic(), message.key(), message.value()) for message in messages if message.value() is not None]
    assert len(set(seen)) == len(seen)
    deadline = time.monotonic() + BACK_WITHIN
    while find_first_problem(operations.read_findings(live_shop.stack)):
        assert time.monotonic() < deadline, operations.read_findings(live_shop.stack)
        time.sleep(0.5)


def test_deleting_drops_the_slot_and_leaves_the_publication(live_shop: LiveShop, log: ChangeLog) -> None:
    operations.delete(live_shop.stack)
    slots = live_shop.connection.execute("SELECT slot_name FROM pg_replication_slots WHERE slot_name = %s", [live_shop.shop.slot])
    assert slots.fetchall() == []
    assert live_shop.connection.execute("SELECT pubname FROM pg_publication").fetchall() == [("cdc_shop",)]
    assert [finding.remedy for finding in operations.read_findings(live_shop.stack)] == ["./run connect"]
