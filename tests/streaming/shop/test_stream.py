"""The stream "shop" on real servers: it is killed while the shop changes, and everything it keeps equals the shop's database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from deltalake import DeltaTable
from hdfs import InsecureClient

from cdp.events.topics import CDC_HEARTBEATS, SHOP_TOPICS, topic_arguments
from cdp.kafka import client_config
from cdp.lake.paths import table_url
from cdp.lake.shop import SHOP_LAKE_TABLES
from cdp.postgres import shop_connection_arguments
from cdp.programs import STREAM_NEEDS_PERSON
from cdp.settings import REPOSITORY, Settings
from infra.connect import operations
from infra.connect.shop import sample_shop
from infra.stack import lifecycle
from infra.stack.services.hdfs import USER
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor
from tests.conftest import TestStack
from tests.databases import database, rows
from tests.source_server.shop.conftest import administer, query

SERVERS = ("connect", "kafka", "hdfs", "spark", "postgres", "shop-db")
pytestmark = [pytest.mark.stack(*SERVERS), pytest.mark.timeout(900)]

#: The stream with the test's own topic of events.
STREAM = """
import sys
from dataclasses import replace
import streaming.shop.sender as sender
sender.EVENTS_RAW = replace(sender.EVENTS_RAW, name=sys.argv[1])
from streaming.__main__ import main
sys.exit(main(["shop", *sys.argv[2:]]))
"""


@dataclass(frozen=True)
class Place:
    """A shop, a platform's database, a folder on HDFS and a topic of the test's own."""

    stack: Stack
    settings: Settings
    events: str

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "CDP_HDFS_ROOT": self.settings.hdfs_root,
            "CDP_POSTGRES_DATABASE": self.settings.postgres_database,
            "CDP_SHOP_DATABASE": self.settings.shop_database,
        }
        return os.environ | own | {"CDP_STACK": self.settings.stack, "PYTHONPATH": str(REPOSITORY)}

    def start(self, *argv: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, *argv], env=self.environment, cwd=REPOSITORY, stdout=pipe, stderr=pipe, text=True
        )

    def run(self, *argv: str) -> str:
        with self.start(*argv) as process:
            out, err = process.communicate(timeout=600)
        assert process.returncode == 0, f"{out}\n{err}"
        return out

    def simulate(self, *options: str) -> subprocess.Popen[str]:
        return self.start("-m", "source_server.shop", "simulate", *options)

    def read_events(self) -> list[dict[str, Any]]:
        config = {
            "group.id": "test",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
        events: list[dict[str, Any]] = []
        with Consumer(client_config(self.settings) | config) as consumer:
            consumer.assign([TopicPartition(self.events, 0, 0)])
            while (message := consumer.poll(30)) and message.error() is None:
                events.append(json.loads(message.value() or b""))
        return events


@pytest.fixture
def place(test_stack: TestStack) -> Iterator[Place]:
    stack, name = test_stack.require(SERVERS), f"test_{uuid.uuid4().hex[:8]}"
    kafka, hdfs = AdminClient(client_config(stack.settings)), InsecureClient(stack.settings.hdfs_http, user=USER)
    empty_topics(stack.settings, kafka)
    kafka.create_topics([NewTopic(name, 1, 1)])[name].result(30)
    hdfs.makedirs(f"/{name}/_spark-events")
    administer(stack.settings, f"CREATE DATABASE {name}")
    with database(replace(stack.settings, hdfs_root=f"/{name}", shop_database=name)) as settings:
        yield Place(stack, settings, name)
        if operations.open_api(stack).read_status():
            operations.delete(stack)
    administer(stack.settings, f"DROP DATABASE {name} WITH (FORCE)")
    hdfs.delete(f"/{name}", recursive=True)
    kafka.delete_topics([name])[name].result(30)


def empty_topics(settings: Settings, kafka: AdminClient) -> None:
    """Other tests leave the changes of their own shops in the topics."""
    topics = (*SHOP_TOPICS, CDC_HEARTBEATS)
    for deleted in kafka.delete_topics([topic.name for topic in topics]).values():
        deleted.result(30)
    time.sleep(1)
    for created in kafka.create_topics([NewTopic(**topic_arguments(settings, topic)) for topic in topics]).values():
        created.result(30)


def test_a_killed_stream_keeps_the_shops_tables_and_sends_each_paid_line_once(place: Place) -> None:
    place.run("-m", "source_server.shop", "init", "--categories", "3", "--products", "20", "--customers", "30")
    place.run("-m", "source_server.shop", "simulate", "--historical", "2")
    operations.register_shop(place.stack, replace(sample_shop(place.settings), slot=place.settings.shop_database))
    with place.start("-c", STREAM, place.events) as stream:
        wait_for_events(place, stream, batches=1)
        with place.simulate("--rate", "40", "--minutes", "1") as simulation:
            wait_for_events(place, stream, batches=3)
            stream.kill()
            change(place, "ALTER TABLE shop.customers ADD COLUMN tier text")
            change(place, "UPDATE shop.customers SET tier = 'gold' WHERE customer_id % 2 = 0")
            simulation.terminate()
            simulation.communicate(timeout=120)
    change(place, "DELETE FROM shop.wishlists WHERE product_id % 2 = 0")
    change(place, "INSERT INTO shop.customers (customer_id, name, email, city) VALUES (1, 'Last', 'last@example.org', 'Rome')")
    while (1,) not in rows(place.settings, "SELECT 1 FROM shop.customer WHERE customer_id = '1'"):
        place.run("-c", STREAM, place.events, "--once")
    assert_mirrors_equal(place)
    assert_events_equal(place)
    assert_counts_add_up(place)


VICTIMS = ("connect", "executor", "shop-db", "driver", "kafka")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_server_is_killed_while_twenty_thousand_changes_come(place: Place) -> None:
    place.run("-m", "source_server.shop", "init", "--categories", "10", "--products", "100", "--customers", "200")
    place.run("-m", "source_server.shop", "simulate", "--historical", "10", "--sessions", "100")
    operations.register_shop(place.stack, replace(sample_shop(place.settings), slot=place.settings.shop_database))
    with place.simulate("--rate", "100", "--minutes", "3") as simulation, LastingStream(place) as stream:
        for victim in VICTIMS:
            stream.run_for(25)
            kill(stream.process.pid if victim == "driver" else find_victim(place, victim))
        simulation.communicate(timeout=300)
    lifecycle.up(place.stack, SERVERS)
    change(place, "ALTER TABLE shop.customers ADD COLUMN tier text")
    change(place, "UPDATE shop.customers SET tier = 'gold'")
    change(place, "INSERT INTO shop.customers (customer_id, name, email, city) VALUES (1, 'Last', 'last@example.org', 'Rome')")
    while (1,) not in rows(place.settings, "SELECT 1 FROM shop.customer WHERE customer_id = '1'"):
        place.run("-c", STREAM, place.events, "--once")
    assert_mirrors_equal(place)
    assert_events_equal(place)
    assert_counts_add_up(place)
    assert rows(place.settings, "SELECT sum(received) >= 20000 FROM shop.reading") == [(True,)]


class LastingStream:
    """The stream as its supervisor runs it: a stream that ends is started again."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __enter__(self) -> LastingStream:
        self.process = self._place.start("-c", STREAM, self._place.events)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=120)

    def run_for(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                assert self.process.returncode != STREAM_NEEDS_PERSON, self.process.communicate()
                self.process = self._place.start("-c", STREAM, self._place.events)
            time.sleep(0.5)


def find_victim(place: Place, name: str) -> int:
    """The process id of a server, or of the stream's executor."""
    if name != "executor":
        return Supervisor(place.stack).state(name).pid
    worker = psutil.Process(Supervisor(place.stack).state("spark-worker").pid)
    (executor, *_) = (
        each for each in worker.children(recursive=True) if "CoarseGrainedExecutorBackend" in " ".join(each.cmdline())
    )
    return executor.pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def change(place: Place, statement: str) -> None:
    with closing(psycopg.connect(**shop_connection_arguments(place.settings, "owner", "test"), autocommit=True)) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def wait_for_events(place: Place, stream: subprocess.Popen[str], batches: int) -> None:
    deadline = time.monotonic() + 300
    while count_batches(place) < batches:
        assert stream.poll() is None, stream.communicate()
        assert time.monotonic() < deadline, "the stream sent too little"
        time.sleep(0.05)


def count_batches(place: Place) -> int:
    """The batches that sent events."""
    if rows(place.settings, "SELECT to_regclass('shop.sent')") == [(None,)]:
        return 0
    return int(rows(place.settings, "SELECT count(DISTINCT batch) FROM shop.sent")[0][0])


def assert_mirrors_equal(place: Place) -> None:
    """Each table on HDFS equals the shop's, row for row, with the new column."""
    for name, table in SHOP_LAKE_TABLES.items():
        columns = [*table.columns, "tier"] if name == "customers" else [*table.columns]
        texts = [column for column in columns if table.columns.get(column, "string") == "string"]
        select = ", ".join(f"{column}::text" if column in texts else column for column in columns)
        expected = Counter(query(place.settings, f"SELECT {select} FROM shop.{name}"))
        stored = DeltaTable(table_url(place.settings, table.name)).to_pyarrow_table(columns=columns)
        assert Counter(tuple(row.values()) for row in stored.to_pylist()) == expected, name
        assert expected, name
    gold = DeltaTable(table_url(place.settings, "shop/customers")).to_pyarrow_table(columns=["tier"])
    assert Counter(gold.column("tier").to_pylist())["gold"] > 10


def assert_events_equal(place: Place) -> None:
    """The purchases are the paid lines, and the refunds the shop's refunds, each once, with its money and time."""
    events = place.read_events()
    paid = """
        SELECT 'order:' || order_id || ':' || line, amount::text, changed_at, customer_id::text
        FROM shop.order_items JOIN shop.orders USING (order_id) JOIN shop.order_status_history h USING (order_id)
        WHERE h.status = 'paid'"""
    back = """
        SELECT 'refund:' || refund_id, amount::text, refunded_at, customer_id::text
        FROM shop.refunds JOIN shop.orders USING (order_id)"""
    for event_type, sql in (("purchase", paid), ("refund", back)):
        found = [
            (event["event_id"], event["amount"], event["event_time"], event["user_id"])
            for event in events
            if event["event_type"] == event_type
        ]
        expected = [(name, amount, write_time(at), customer) for name, amount, at, customer in query(place.settings, sql)]
        assert sorted(found) == sorted(expected)
        assert found


def write_time(time: Any) -> str:
    text = str(time).replace(" ", "T").removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


def assert_counts_add_up(place: Place) -> None:
    sums = "SELECT sum(received - applied - superseded - tombstones - refused), sum(refused), sum(tombstones) FROM shop.reading"
    ((off, refused, tombstones),) = rows(place.settings, sums)
    assert (off, refused) == (0, 0)
    assert tombstones > 0
    assert rows(place.settings, "SELECT count(*) FROM shop.change") == [(0,)]
