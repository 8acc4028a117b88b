"""A shop whose tables have other names: they go to the platform's topics with the listed columns, and more can be added."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from infra.connect import operations
from infra.connect.shop import CapturedTable
from infra.stack.stack import StackError
from tests.infra.connect.conftest import LiveShop, run_sql
from tests.infra.connect.rebuild import ChangeLog, read_changes

pytestmark = [pytest.mark.stack("connect"), pytest.mark.timeout(120)]

ORDERS = CapturedTable("orders", "web.sales_order", ("id", "total"))
PEOPLE = CapturedTable("customers", "web.person")


@pytest.fixture(scope="module")
def web(live_shop: LiveShop) -> LiveShop:
    run_sql(
        live_shop,
        "CREATE SCHEMA web",
        "CREATE TABLE web.sales_order (id int PRIMARY KEY, total numeric(12,2) NOT NULL, secret text NOT NULL)",
        "CREATE TABLE web.person (id int PRIMARY KEY, name text NOT NULL)",
        "INSERT INTO web.sales_order VALUES (1, 19.90, 'hidden')",
        "INSERT INTO web.person VALUES (7, 'Ada')",
    )
    return replace(live_shop, shop=replace(live_shop.shop, tables=(ORDERS,)))


def test_the_rights_that_are_missing_are_named_with_their_sql(web: LiveShop) -> None:
    with pytest.raises(StackError) as caught:
        operations.register_shop(web.stack, replace(web.shop, tables=(ORDERS, PEOPLE)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "web.sales_order" in lines[0]
    assert "web.person" in lines[1]
    assert "web.sales_order, web.person" in lines[2]
    assert operations.open_api(web.stack).read_status() is None


def test_tables_are_routed_and_columns_are_left_out(web: LiveShop) -> None:
    run_sql(
        web,
        "GRANT USAGE ON SCHEMA web TO cdc",
        "GRANT SELECT ON ALL TABLES IN SCHEMA web TO cdc",
        "ALTER PUBLICATION cdc_shop ADD TABLE web.sales_order, web.person",
    )
    with closing(ChangeLog(web.settings, ("orders",))) as log:
        operations.register_shop(web.stack, web.shop)
        run_sql(web, "INSERT INTO web.sales_order VALUES (2, 0.10, 'hidden')")
        changes = list(read_changes(log.read_until("orders", {"id": 2}), "orders"))
    assert [(change["op"], change["after"]) for change in changes] == [
        ("r", {"id": 1, "total": "19.90"}),
        ("c", {"id": 2, "total": "0.10"}),
    ]


def test_the_rows_of_a_table_that_is_added_are_sent(web: LiveShop) -> None:
    with closing(ChangeLog(web.settings, ("customers",))) as log:
        operations.register_shop(web.stack, replace(web.shop, tables=(ORDERS, PEOPLE)))
        changes = list(read_changes(log.read_until("customers", {"id": 7}), "customers"))
    assert [(change["op"], change["after"]) for change in changes] == [("r", {"id": 7, "name": "Ada"})]
    # Such rows have no position in the log: a reader must take the order of the topic.
    assert changes[0]["source"]["lsn"] is None
