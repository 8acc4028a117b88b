"""A shop's own database, the whole way: orders that are rows in the shop become tables on HDFS, events, live numbers, the night's
revenue, and names on the site. What three computations say of the same three days must agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from playwright.sync_api import Page, expect

from cdp.events.topics import SHOP_TABLES
from cdp.postgres import connection_arguments, shop_connection_arguments
from cdp.settings import Settings
from tests.e2e.conftest import run_verb
from tests.e2e.test_whole_way import read_table

TODAY = datetime.now(UTC).date()
DAYS = [TODAY - timedelta(days=ago) for ago in (3, 2, 1)]
pytestmark = [pytest.mark.subprocess, pytest.mark.timeout(900)]

#: Net revenue by day, from the shop's own rows: what was paid, on the day it was paid, minus what was given back.
REVENUE_IN_SHOP = """
    SELECT day, sum(money) FROM (
        SELECT h.changed_at::date AS day, i.amount AS money
        FROM shop.order_items i JOIN shop.order_status_history h USING (order_id) WHERE h.status = 'paid'
        UNION ALL SELECT refunded_at::date, -amount FROM shop.refunds) entries
    WHERE day = ANY(%s) GROUP BY day ORDER BY day"""
REVENUE_LIVE = """
    SELECT minute::date, sum(gross - refunds) FROM live.minute WHERE minute::date = ANY(%s) GROUP BY 1 ORDER BY 1"""
REVENUE_OF_NIGHT = "SELECT day, revenue FROM mart.kpi_day WHERE day = ANY(%s) ORDER BY day"


@pytest.fixture(scope="module")
def shop_days(shop: Settings) -> Iterator[Settings]:
    """Eight days, long enough for parcels to come back, carried from the shop's database to every store."""
    run_verb("up", "connect")
    run_verb("shop", "init", "--customers", "40", "--products", "60")
    run_verb("connect")
    run_verb("shop", "simulate", "--historical", "8", "--sessions", "25")
    run_verb("stream", "shop", "--once")
    run_verb("stream", "--once")
    run_verb("stream", "live", "--once", CDP_LIVE_AGE_HOURS="240")
    run_verb("night", "--day", str(DAYS[-1]))
    yield shop
    run_verb("down", "connect")


def read_shop(settings: Settings, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return _read(shop_connection_arguments(settings, "owner", "test"), sql, *values)


def read_platform(settings: Settings, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return _read(connection_arguments(settings, "test"), sql, *values)


def _read(arguments: dict[str, Any], sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(**arguments)) as connection, connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def test_shop_night_and_live_windows_agree_on_the_revenue_of_three_days(shop_days: Settings) -> None:
    in_shop: list[tuple[date, Decimal]] = read_shop(shop_days, REVENUE_IN_SHOP, DAYS)
    assert [day for day, _ in in_shop] == DAYS
    assert read_platform(shop_days, REVENUE_OF_NIGHT, DAYS) == in_shop
    assert read_platform(shop_days, REVENUE_LIVE, DAYS) == in_shop


@pytest.mark.parametrize("table", SHOP_TABLES)
def test_tables_on_hdfs_equal_the_database(shop_days: Settings, table: str) -> None:
    rows = [{name: to_text(value) for name, value in row.items()} for row in read_table(shop_days, f"shop/{table}")]
    columns = sorted({name for row in rows for name in row})
    in_shop = read_shop(shop_days, f"SELECT {', '.join(columns)} FROM shop.{table}") if columns else []
    assert sorted(str([row[name] for name in columns]) for row in rows) == sorted(str([*map(to_text, row)]) for row in in_shop)
    assert rows


def to_text(value: Any) -> str | None:
    """The value, however its store types it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return None if value is None else str(value)


def test_every_paid_line_is_one_purchase(shop_days: Settings) -> None:
    lines = read_shop(
        shop_days,
        """SELECT 'order:' || i.order_id || ':' || i.line FROM shop.order_items i
           JOIN shop.order_status_history h USING (order_id) WHERE h.status = 'paid'""",
    )
    ids = [row["event_id"] for row in read_table(shop_days, "events") if row["event_id"].startswith("order:")]
    assert sorted(ids) == sorted(line for (line,) in lines)
    run_verb("ledger", "--recount")


def test_the_site_shows_names(shop_days: Settings, page: Page) -> None:
    ((customer, name, email),) = read_shop(
        shop_days, "SELECT customer_id, name, email FROM shop.customers JOIN shop.orders USING (customer_id) LIMIT 1"
    )
    page.goto(f"/customers/{customer}")
    expect(page.locator("main")).to_contain_text(name)
    expect(page.locator("main")).to_contain_text(email)
