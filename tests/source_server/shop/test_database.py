"""The shop on its real database: made twice, a history, live at a rate, read through the API, emptied. The tests of this file are
one story on one database."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from cdp.settings import REPOSITORY, Settings
from source_server.shop.run import LiveRun
from source_server.shop.tables import BY_NAME, TABLES, ShopTable
from tests.source_server.shop.conftest import Get, RunShop, make_environment, query
from tests.source_server.shop.invariants import INVARIANTS

pytestmark = pytest.mark.stack("shop-db")
SMALL = ("--categories", "6", "--products", "60", "--customers", "40")


def count(shop: Settings, table: str) -> int:
    return int(query(shop, f"SELECT count(*) FROM shop.{table}")[0][0])


def find_contradictions(shop: Settings) -> dict[str, Any]:
    return {name: rows for name, sql in INVARIANTS.items() if (rows := query(shop, sql))}


def test_without_tables_each_verb_says_what_to_do(shop: Settings, run_shop: RunShop) -> None:
    for arguments in (("simulate", "--historical", "1"), ("clear", "--yes")):
        result = run_shop(*arguments)
        assert (result.returncode, result.stderr.count("\n"), result.stdout) == (1, 1, "")
        assert "./run shop init" in result.stderr


def test_init_makes_the_shop_and_a_second_one_changes_nothing(shop: Settings, run_shop: RunShop, get: Get) -> None:
    assert run_shop("init", "--empty").returncode == 0
    assert get("/health").json() == {"status": "ok", "has_products": False}
    assert run_shop("init", *SMALL).returncode == 0
    before = query(shop, "SELECT * FROM shop.products ORDER BY 1"), query(shop, "SELECT * FROM shop.customers ORDER BY 1")
    assert (len(before[0]), len(before[1])) == (60, 40)
    assert run_shop("init", *SMALL).returncode == 0
    assert (
        query(shop, "SELECT * FROM shop.products ORDER BY 1"),
        query(shop, "SELECT * FROM shop.customers ORDER BY 1"),
    ) == before


def test_the_publication_has_every_table_and_money_is_logged_whole(shop: Settings) -> None:
    published = {f"{schema}.{table}" for schema, table in query(shop, "SELECT schemaname, tablename FROM pg_publication_tables")}
    assert published == {table.full_name for table in TABLES} | {"cdc.heartbeat", "cdc.signals"}
    whole = query(shop, "SELECT relname FROM pg_class WHERE relreplident = 'f' AND relnamespace = 'shop'::regnamespace")
    assert {name for (name,) in whole} == {"orders", "payments", "products"}
    keys = query(
        shop,
        "SELECT (SELECT relname::text FROM pg_class WHERE oid = conrelid), array_agg(attname::text ORDER BY place) "
        "FROM pg_constraint, "
        "unnest(conkey) WITH ORDINALITY AS k(number, place), pg_attribute "
        "WHERE contype = 'p' AND connamespace = 'shop'::regnamespace AND attrelid = conrelid AND attnum = number "
        "GROUP BY conrelid",
    )
    assert {name: tuple(columns) for name, columns in keys} == {table.name: table.key for table in TABLES}


def test_the_page_names_every_column(shop: Settings) -> None:
    columns = query(
        shop,
        "SELECT table_name::text, array_agg(column_name::text ORDER BY ordinal_position) "
        "FROM information_schema.columns WHERE table_schema = 'shop' GROUP BY 1",
    )
    schema = (REPOSITORY / "docs" / "shop.md").read_text().partition("## The schema")[2].partition("### ")[0]
    page = re.findall(r"^\| `(\w+)` \| (`\w+`(?:, `\w+`)*) \|", schema, re.MULTILINE)
    assert {name: re.findall(r"\w+", listed) for name, listed in page} == dict(columns)


def test_logins_may_do_only_what_they_need(shop: Settings) -> None:
    assert query(shop, "SELECT count(*) FROM shop.products", "reader") == query(shop, "SELECT count(*) FROM shop.products", "cdc")
    for login in ("reader", "cdc"):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            query(shop, "UPDATE shop.products SET stock = 0 RETURNING 1", login)
    assert query(shop, "INSERT INTO cdc.heartbeat VALUES (1, now()) RETURNING id", "cdc") == [(1,)]
    assert query(shop, "SELECT rolreplication, rolsuper FROM pg_roles WHERE rolname = 'cdc'") == [(True, False)]


@pytest.mark.parametrize("price", ["'NaN'", "-0.01", "10000000000.00"])
def test_money_is_a_number_in_its_bounds(price: str, shop: Settings) -> None:
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.NumericValueOutOfRange)):
        query(shop, f"UPDATE shop.products SET price = {price} RETURNING 1")


def test_a_live_simulation_ends_when_nothing_is_left_to_do(shop: Settings) -> None:
    outcome = LiveRun(shop, 7, 0, 60.0, None, None, print, threading.Event()).run()
    assert (outcome.transactions, outcome.seconds < 30) == (0, True)


def test_a_history_of_days_takes_seconds_and_contradicts_nothing(shop: Settings, run_shop: RunShop) -> None:
    began = time.monotonic()
    result = run_shop("simulate", "--historical", "20", "--sessions", "120")
    assert (result.returncode, result.stderr) == (0, "")
    assert time.monotonic() - began < 20
    assert find_contradictions(shop) == {}
    (first, last), *_ = query(shop, "SELECT min(placed_at)::date, max(updated_at) < now() FROM shop.orders")
    assert last is True
    assert query(shop, f"SELECT current_date - '{first}'::date")[0][0] in (19, 20)
    statuses = dict(query(shop, "SELECT status, count(*) FROM shop.orders GROUP BY 1"))
    assert statuses["delivered"] > statuses["refunded"] > 0 < statuses["cancelled"]
    orders = Counter(dict(query(shop, "SELECT customer_id, count(*) FROM shop.orders GROUP BY 1")))
    assert max(orders.values()) > 5


def test_a_second_history_would_overlap(shop: Settings, run_shop: RunShop) -> None:
    before = count(shop, "orders")
    result = run_shop("simulate", "--historical", "1")
    assert (result.returncode, count(shop, "orders")) == (1, before)


def start_live(shop: Settings, *arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "infra.stack", "shop", "simulate", *arguments]
    return subprocess.Popen(
        argv, env=make_environment(shop), cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_live_it_keeps_its_rate_survives_a_lost_connection_and_stops_on_a_signal(shop: Settings, run_shop: RunShop) -> None:
    before = query(shop, "SELECT max(order_id), max(payment_id) FROM shop.payments")[0]
    live = start_live(shop, "--rate", "40", "--minutes", "5")
    time.sleep(3)
    assert run_shop("simulate", "--minutes", "1").returncode == 1, "two simulations at once"
    query(shop, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cdp shop'")
    time.sleep(4)
    live.send_signal(signal.SIGTERM)
    output, errors = live.communicate(timeout=10)
    assert (live.returncode, errors) == (0, "")
    transactions, seconds = int(output.splitlines()[-1].split()[0].replace(",", "")), float(output.splitlines()[-1].split()[3])
    assert 0.7 * 40 < transactions / seconds < 1.1 * 40
    assert find_contradictions(shop) == {}
    assert query(shop, "SELECT max(order_id), max(payment_id) FROM shop.payments")[0] > before


# ---------------------------------------------------------------- the API


def read_all(get: Get, table: ShopTable, limit: int, **parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        answer = get(f"/{table.name}", limit=limit, **after, **parameters)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        rows += page["rows"]
        if page["next"] is None:
            return rows
        assert len(page["rows"]) == limit
        after = {"after": page["next"]}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_pages_of_the_api_have_every_row_once(table: ShopTable, shop: Settings, get: Get) -> None:
    rows = read_all(get, table, 997)
    keys = [tuple(int(row[column]) for column in table.key) for row in rows]
    assert len(rows) == count(shop, table.name) > 0
    assert keys == sorted(set(keys))
    one = get(f"/{table.name}/{','.join(str(part) for part in keys[-1])}")
    assert one.json() == rows[-1]


def test_rows_are_filtered_by_column_and_time(shop: Settings, get: Get) -> None:
    orders = BY_NAME["orders"]
    middle = query(shop, "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY updated_at) FROM shop.orders")[0][0].isoformat()
    early, late = read_all(get, orders, 500, until=middle), read_all(get, orders, 500, since=middle)
    assert early
    assert late
    assert len(early) + len(late) == count(shop, "orders")
    customer = late[0]["customer_id"]
    mine = get("/orders", customer_id=customer, limit=1000).json()["rows"]
    assert {row["customer_id"] for row in mine} == {customer}
    total = sum((Decimal(row["total"]) for row in mine), Decimal(0))
    assert [(total,)] == query(shop, f"SELECT sum(total) FROM shop.orders WHERE customer_id = {customer}")


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        ("/orders/99999999", {}, 404), ("/orders/x", {}, 400), ("/order_items/1", {}, 400), ("/orders", {"limit": 0}, 400),
        ("/orders", {"brand": "a"}, 400), ("/orders", {"after": "1,2"}, 400), ("/orders", {"since": "2026-01-01"}, 400),
        ("/orders", {"order_id": 2**63}, 400), ("/customers", {"city": "a\0"}, 400), ("/nothing", {}, 404),
    ],
)  # fmt: skip
def test_a_wrong_request_is_a_problem(path: str, parameters: dict[str, Any], status: int, get: Get) -> None:
    answer = get(path, **parameters)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


# ---------------------------------------------------------------- the end


def test_clear_asks_and_then_deletes_every_row(shop: Settings, run_shop: RunShop) -> None:
    assert run_shop("clear").returncode == 1
    assert count(shop, "orders") > 0
    assert run_shop("clear", "--yes").returncode == 0
    assert {table.name: count(shop, table.name) for table in TABLES} == {table.name: 0 for table in TABLES}
    assert run_shop("simulate", "--historical", "1").returncode == 1, "nothing is sold"
