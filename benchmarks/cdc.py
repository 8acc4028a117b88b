"""Measures how long a commit in the shop's database takes to a reader of Kafka: single orders, and a large transaction."""

from __future__ import annotations

import json
import statistics
import time
from contextlib import closing

from confluent_kafka import Consumer, TopicPartition

from benchmarks.outcome import Goal, Outcome
from cdp.events.topics import name_shop_topic
from cdp.kafka import client_config
from cdp.settings import Settings
from infra.connect.operations import register_shop
from infra.connect.shop import sample_shop
from infra.stack import processes
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor
from source_server.shop.database import Connection, apply_schema, connect_shop

NEEDS = ("connect",)
ORDERS, PAUSE = 200, 0.05
BURST = 50_000
SECONDS = 120


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("cdc")
    with closing(connect_shop(stack.settings)) as connection:
        apply_schema(connection, stack.settings)
        _add_customers(connection, 0, 1)
        register_shop(stack, sample_shop(stack.settings))
        _measure_orders(outcome, connection, stack.settings, round(ORDERS * scale))
        _measure_burst(outcome, connection, stack.settings, round(BURST * scale))
    memory = processes.measure_memory(Supervisor(stack).state("connect").pid)
    outcome.measure("memory of Kafka Connect", memory / 2**20, "MB", "PSS")
    return outcome


def _add_customers(connection: Connection, first: int, last: int) -> None:
    connection.execute(
        "INSERT INTO shop.customers (customer_id, name, email, city) "
        "SELECT n, 'Customer ' || n, n || '@example.org', 'Paris' FROM generate_series(%s::int, %s::int) n",
        [first, last],
    )


def _measure_orders(outcome: Outcome, connection: Connection, settings: Settings, orders: int) -> None:
    """One order at a time, so each waits for the connector's next look at the log."""
    milliseconds = []
    with closing(_open_reader(settings, "orders")) as reader:
        for number in range(orders):
            connection.execute(
                "INSERT INTO shop.orders (order_id, customer_id, total, currency) VALUES (%s, 1, 19.90, 'USD')", [number]
            )
            committed = time.perf_counter()
            _await_row(reader, number)
            milliseconds.append((time.perf_counter() - committed) * 1000)
            time.sleep(PAUSE)
    p50, p95 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[-1]
    outcome.measure(f"commit to reader of Kafka, {orders} single orders, p50", p50, "ms")
    outcome.measure(f"commit to reader of Kafka, {orders} single orders, p95", p95, "ms")
    outcome.goals.append(Goal("milliseconds from commit to Kafka, p95", p95, 1000, at_least=False))


def _measure_burst(outcome: Outcome, connection: Connection, settings: Settings, rows: int) -> None:
    with closing(_open_reader(settings, "customers")) as reader:
        _add_customers(connection, 2, 1 + rows)
        committed = time.perf_counter()
        _await_row(reader, 1 + rows)
        seconds = time.perf_counter() - committed
    outcome.measure(f"the last of {rows:,} rows of one transaction", seconds, "s", f"{rows / seconds:,.0f} rows a second")


def _open_reader(settings: Settings, table: str) -> Consumer:
    """A reader of the table's topic from now on, of committed messages only."""
    reader = Consumer(client_config(settings) | {"group.id": "cdp-bench", "enable.auto.commit": False, "fetch.wait.max.ms": 10})
    place = TopicPartition(name_shop_topic(table), 0)
    place.offset = reader.get_watermark_offsets(place, timeout=10)[1]
    reader.assign([place])
    return reader


def _await_row(reader: Consumer, number: int) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        message = reader.poll(0.5)
        if message is not None and number in json.loads(message.key() or b"{}").values():
            return
    raise TimeoutError(f"the message of row {number} did not come within {SECONDS} s")
