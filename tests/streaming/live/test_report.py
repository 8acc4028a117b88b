"""What `./run live` reads and prints."""

from __future__ import annotations

import argparse
import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from rich.console import Console

from cdp.mart.live_windows import Progress
from cdp.postgres import connection_arguments
from streaming.live import __main__ as program
from streaming.live.report import RevenueReport, TopReport, describe_age, describe_change
from tests.streaming.live.conftest import Tables, read
from tests.streaming.live.examples import NOON, send

NOW = NOON + timedelta(minutes=9, seconds=30)


def show(report: RevenueReport | TopReport) -> list[list[str]]:
    """The words of each line."""
    console = Console(file=io.StringIO(), width=200)
    report.show(console)
    return [line.split() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.mark.stack("postgres")
def test_revenue_and_rankings_with_names(tables: Tables) -> None:
    with pytest.raises(program.NoNumbers):
        tables.call(program.read_revenue, NOW, None)
    buy: dict[str, Any] = {"event_type": "purchase", "product_id": "p1", "price": "10", "quantity": "2"}
    sent = [send(1, "a", order_id="o1", **buy), send(8, "b", order_id="o2", **buy | {"quantity": "3"}), send(8, "c", price="x")]
    tables.add(read(sent), 0, len(sent))
    with psycopg2.connect(**connection_arguments(tables.settings, "test")) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO shop.product (product_id, name, batch) VALUES ('p1', 'Desk lamp', 0)")

    report = tables.call(program.read_revenue, NOW, 5)
    (window,) = json.loads(json.dumps(report.as_json(), default=str))["windows"]
    assert (window["minutes"], window["now"]["revenue"], window["before"]["revenue"]) == (5, "30.00", "20.00")
    assert ["revenue", "30.00", "+50%"] in show(report)
    assert [change.window.minutes for change in tables.call(program.read_revenue, NOW, None).changes] == [1, 5, 60]

    arguments = argparse.Namespace(minutes=5, by="units", trending=False, n=3)
    top = tables.call(program.read_top, NOW, arguments)
    assert top.as_json()["products"][0]["name"] == "Desk lamp"
    assert ["Desk", "lamp", "1", "1", "3", "+50%", "30.00", "+50%", "0"] in show(top)
    arguments.trending = True
    assert [thing.key for thing in tables.call(program.read_top, NOW, arguments).rankings[0].things] == ["p1"]


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [(Decimal(3), Decimal(2), "+50%"), (1, 4, "-75%"), (5, 0, ""), (None, Decimal(2), ""), (Decimal(1), Decimal(-1), "+200%")],
)
def test_changes(now: Decimal | int | None, before: Decimal | int | None, change: str) -> None:
    assert describe_change(now, before) == change


def test_the_age_and_what_is_not_counted() -> None:
    progress = Progress(3, NOW - timedelta(seconds=4), NOON, received=9, late=1, old=0, ahead=0, refused=2, repeated=0)
    line = describe_age(progress, NOW)
    assert " 4 s ago" in line
    assert "late 1, refused 2" in line


@pytest.mark.parametrize("arguments", [["top", "--minutes", "86"], ["revenue", "-n", "3"], ["top", "--by", "price"], []])
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        program.main(arguments)
    assert error.value.code == 2
