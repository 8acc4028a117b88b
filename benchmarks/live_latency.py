"""Measures how long a paid order takes from its commit in the shop's database to the live page, with all streams running."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import psycopg2

from benchmarks.outcome import Goal, Outcome
from cdp.postgres import connection_arguments
from cdp.settings import Settings
from infra.connect.operations import register_shop
from infra.connect.shop import sample_shop
from infra.stack.stack import Stack, open_stack
from source_server.shop import __main__ as shop_program
from source_server.shop.database import Connection, connect_shop

NEEDS = ("live", "web")
ORDERS, PER_SECOND = 300, 20
POLL_SECONDS = 2.0  # as the page does
DEADLINE = 120.0
FIRST_ORDER = 10_000_000
PLACE_ORDER = """
    WITH product AS (
        SELECT product_id, price FROM shop.products WHERE active ORDER BY product_id LIMIT 1 OFFSET %(number)s %% 50),
    buyer AS (SELECT customer_id FROM shop.customers ORDER BY customer_id LIMIT 1 OFFSET %(number)s %% 50),
    placed AS (
        INSERT INTO shop.orders (order_id, customer_id, status, total, currency)
        SELECT %(order)s, customer_id, 'paid', price, %(currency)s FROM product, buyer RETURNING order_id),
    line AS (
        INSERT INTO shop.order_items (order_id, line, product_id, quantity, unit_price, amount)
        SELECT order_id, 1, product_id, 1, price, price FROM placed, product),
    history AS (
        INSERT INTO shop.order_status_history (order_id, position, status)
        SELECT order_id, position, status FROM placed, (VALUES (1, 'placed'), (2, 'paid')) steps (position, status))
    INSERT INTO shop.payments (order_id, attempt, method, amount, status)
    SELECT order_id, 1, 'card', price, 'captured' FROM placed, product"""


def run(stack: Stack, scale: float) -> Outcome:
    outcome, settings = Outcome("live-latency"), open_stack().settings
    shop_program.main(["init"])
    register_shop(stack, sample_shop(settings))
    with closing(connect_shop(settings)) as connection:
        _warm_up(connection, settings)
        committed, polls = _place_orders(connection, settings, round(ORDERS * scale))
    written = _read_written(settings)
    to_postgres = [(written[order] - moment) * 1000 for order, moment in committed.items()]
    to_page = [(polls.first_after(written[order]) - moment) * 1000 for order, moment in committed.items()]
    orders = f"{len(committed)} orders at {PER_SECOND} a second"
    for name, milliseconds in (("Postgres", to_postgres), ("the live page", to_page)):
        outcome.measure(f"commit to {name}, {orders}, p50", statistics.median(milliseconds), "ms")
        outcome.measure(f"commit to {name}, {orders}, p95", _find_p95(milliseconds), "ms")
    outcome.measure("answer of the page to a poll, p95", _find_p95(polls.milliseconds), "ms")
    outcome.goals.append(Goal("seconds from commit to page, p95", _find_p95(to_page) / 1000, 10, at_least=False))
    return outcome


def _find_p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _warm_up(connection: Connection, settings: Settings) -> None:
    """Orders until the first has come through: the streams have read the snapshot, and their code is compiled."""
    for number in range(40):
        _place_order(connection, settings, -1 - number)
        time.sleep(0.5)
    _await_orders(settings, {FIRST_ORDER - 1 - number for number in range(40)})


def _place_orders(connection: Connection, settings: Settings, orders: int) -> tuple[dict[str, float], Polls]:
    """Order -> the moment of its commit; and the page's polls meanwhile."""
    committed: dict[str, float] = {}
    polls = Polls(settings)
    polls.start()
    due = time.monotonic()
    for number in range(orders):
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / PER_SECOND
        _place_order(connection, settings, number)
        committed[str(FIRST_ORDER + number)] = time.time()
    _await_orders(settings, {int(order) for order in committed})
    time.sleep(2 * POLL_SECONDS)
    polls.end()
    return committed, polls


def _place_order(connection: Connection, settings: Settings, number: int) -> None:
    values = {"number": abs(number), "order": FIRST_ORDER + number, "currency": settings.currency}
    connection.execute(PLACE_ORDER, values)


def _await_orders(settings: Settings, orders: set[int]) -> None:
    deadline = time.monotonic() + DEADLINE
    while missing := {str(order) for order in orders} - _read_written(settings).keys():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(missing)} orders have not come within {DEADLINE:.0f} s; see ./run status")
        time.sleep(0.5)


def _read_written(settings: Settings) -> dict[str, float]:
    """Order -> the moment when the stream wrote it."""
    with closing(psycopg2.connect(**connection_arguments(settings, "bench"))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT order_id, written_at FROM live.orders")
        rows: list[tuple[str, datetime]] = cursor.fetchall()
    return {order: moment.timestamp() for order, moment in rows}


@dataclass(slots=True)
class Polls:
    """A logged-in browser that asks for the page's numbers as the page does. A number that is written before a poll begins is in
    its answer."""

    settings: Settings
    began: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def first_after(self, moment: float) -> float:
        """When the answer came whose poll was the first after this moment."""
        return min(began + ms / 1000 for began, ms in zip(self.began, self.milliseconds, strict=True) if began >= moment)

    def _poll(self) -> None:
        with httpx.Client(base_url=self.settings.web_url, follow_redirects=True) as client:
            _log_in(client, self.settings)
            while not self._stop.is_set():
                began, clock = time.time(), time.monotonic()
                client.get("/live/content").raise_for_status()
                self.began.append(began)
                self.milliseconds.append((time.monotonic() - clock) * 1000)
                self._stop.wait(max(0.0, POLL_SECONDS - (time.monotonic() - clock)))


def _log_in(client: httpx.Client, settings: Settings) -> None:
    form = client.get("/accounts/login")
    token = next(value for name, value in client.cookies.items() if name.endswith(("_csrf", "csrftoken")))
    data = {"username": settings.admin_user, "password": settings.admin_password, "csrfmiddlewaretoken": token}
    client.post("/accounts/login", data=data, headers={"Referer": str(form.url)}).raise_for_status()
