"""The stream "live" on real servers, from Kafka to Postgres, Kafka and Redis; a batch and then the whole topic come again."""

from __future__ import annotations

import json
import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from hdfs import InsecureClient
from pyspark.sql import SparkSession

from cdp.events.topics import LIVE_REVENUE, LIVE_TOP_PRODUCTS
from cdp.interests import KINDS, name_bought, parse_bought, read_interests
from cdp.kafka import client_config
from cdp.lake.paths import checkpoint_url
from cdp.settings import Settings, load
from streaming.live.query import LIVE_QUERY, read_next_offsets
from streaming.lock import LockedConnection
from streaming.runner import StreamRunner
from streaming.topic import read_topic
from tests import databases
from tests.streaming.live.examples import Sent, make_visits, send
from tests.streaming.live.recomputation import QUERIES, Rows, recompute

#: Shorter than the window of interests, so that none of its minutes has been deleted when the test reads it.
MINUTES = 20

pytestmark = [pytest.mark.spark, pytest.mark.stack("kafka", "hdfs", "postgres", "redis"), pytest.mark.timeout(600)]


@dataclass
class Shop:
    """A topic, a checkpoint and a database of its own."""

    spark: SparkSession
    settings: Settings
    topic: str
    lines: list[str] = field(default_factory=list)

    def send(self, sent: Sequence[Sent]) -> None:
        producer = Producer(client_config(self.settings))
        for each in sent:
            producer.produce(self.topic, each.value, str(each.event.get("user_id", "")))
        assert producer.flush(30) == 0

    def stream(self, from_earliest: bool = False) -> int:
        """Run the stream once, as a new process would, and return the number of messages that it counted."""
        stop, query = threading.Event(), replace(LIVE_QUERY, topics=(self.topic,))
        connection = LockedConnection(self.settings, query.name, stop)
        connection.open()
        try:
            runner = StreamRunner(self.spark.newSession(), self.settings, query, connection, stop, self.lines.append)
            return runner.run(True, from_earliest).received
        finally:
            connection.close()

    @property
    def files(self) -> InsecureClient:
        return InsecureClient(self.settings.hdfs_http, user="cdp")

    def forget_last_commit(self) -> None:
        """As if the process had been killed after it wrote the last batch, before Spark noted that."""
        folder = f"{checkpoint_url(self.settings, LIVE_QUERY.name).removeprefix(self.settings.hdfs_url)}/commits"
        last = max(int(name) for name in self.files.list(folder) if name.isdecimal())
        assert self.files.delete(f"{folder}/{last}")

    def read_tables(self) -> dict[str, Rows]:
        read = {name: databases.rows(self.settings, f"SELECT * FROM live.{name}") for name in QUERIES}
        return {name: sorted(row[:7] if name == "orders" else row for row in rows) for name, rows in read.items()}

    def read_windows(self, topic: str, ends: dict[str, int]) -> dict[tuple[int, str], Any]:
        """The last message of each window by its length and beginning, from the offset that the topic had."""
        consumer = Consumer(client_config(self.settings) | {"group.id": "test", "enable.partition.eof": True})
        consumer.assign([TopicPartition(topic, 0, ends[topic])])
        windows = {}
        while (message := consumer.poll(30)) is not None and message.error() is None:
            window = json.loads(message.value() or b"")
            windows[window["minutes"], window["begin"]] = window
        consumer.close()
        return windows

    def read_end(self, topic: str) -> int:
        return read_topic(self.settings, topic).partitions[0].end


@pytest.fixture
def shop(spark: SparkSession) -> Iterator[Shop]:
    with databases.database(load()) as settings:
        name = f"test_{uuid.uuid4().hex[:8]}"
        shop = Shop(spark, replace(settings, hdfs_root=f"/{name}"), f"events.{name}")
        kafka = AdminClient(client_config(settings))
        kafka.create_topics([NewTopic(shop.topic, 2, 1)])[shop.topic].result(30)
        yield shop
        kafka.delete_topics([shop.topic])[shop.topic].result(30)
        shop.files.delete(shop.settings.hdfs_root, recursive=True)


@pytest.fixture
def client(shop: Shop) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(shop.settings.redis_url, decode_responses=True) as client:
        yield client
        if names := [*client.keys("interests:*"), *client.keys("bought:*")]:
            client.delete(*names)


def test_whatever_comes_again_the_numbers_are_those_of_one_reading(shop: Shop, client: redis.Redis) -> None:
    ends = {topic.name: shop.read_end(topic.name) for topic in (LIVE_REVENUE, LIVE_TOP_PRODUCTS)}
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=40)
    sent = make_visits(random.Random(13), 300, start)
    half = len(sent) // 2
    shop.send(sent[:half])
    assert shop.stream() == half

    # The watermark is ten minutes before the newest event: one comes too late, the others restate their windows.
    sent.append(send(-15, "late", start=start))
    shop.send(sent[half:])
    assert shop.stream() == len(sent) - half
    expected = recompute(sent)
    assert shop.read_tables() == expected

    shop.forget_last_commit()
    assert shop.stream() == 0
    assert shop.stream(from_earliest=True) == 0
    assert shop.read_tables() == expected
    ((received, late),) = databases.rows(shop.settings, "SELECT received, late FROM live.progress")
    assert (received, late) == (len(sent), 1)
    topic = read_topic(shop.settings, shop.topic)
    assert read_next_offsets(shop.settings, topic) == {each.key: each.end for each in topic.partitions.values()}

    windows = shop.read_windows(LIVE_REVENUE.name, ends)
    assert {length for length, _ in windows} == {1, 5, 60}
    assert windows.keys() == shop.read_windows(LIVE_TOP_PRODUCTS.name, ends).keys()
    for (length, begin), window in windows.items():
        assert [window["now"][name] for name in ("orders", "views", "gross")] == sum_minutes(expected["minute"], length, begin)

    now = max(row[0] for row in expected["interest_minute"])
    customers = {customer for _, customer, *_ in expected["interest_minute"]}
    for customer in customers:
        scores = {(each.kind, each.key): each.score for each in read_interests(client, customer, now, MINUTES)}
        assert scores == pytest.approx(sum_strengths(expected["interest_minute"], customer, now))
    assert {kind for kind, _ in sum_strengths(expected["interest_minute"], "u1", now)} == set(KINDS)
    bought = {product for _, customer, *_, products in expected["orders"] if customer == "u1" for product in products}
    assert set(parse_bought(client.get(name_bought("u1")))) == bought  # type: ignore[arg-type]
    assert bought


def sum_minutes(rows: Rows, length: int, begin: str) -> list[Any]:
    """Orders, views and gross of a window."""
    first = datetime.fromisoformat(begin)
    in_window = [row for row in rows if first <= row[0] < first + timedelta(minutes=length)]
    orders, views = (sum(row[place] for row in in_window) for place in (1, 2))
    return [orders, views, str(sum((row[7] for row in in_window), Decimal("0.00")))]


def sum_strengths(rows: Rows, customer: str, now: datetime) -> dict[tuple[str, str], float]:
    """By product, category and brand; half of a strength is left after ten minutes."""
    scores: Counter[tuple[str, str]] = Counter()
    for minute, customer_id, *keys, strength in rows:
        age = (now - minute) / timedelta(minutes=1)
        if customer_id == customer and age < MINUTES:
            for thing in zip(KINDS, keys, strict=True):
                scores[thing] += strength * 0.5 ** (age / 10)  # type: ignore[assignment]
    return {thing: score for thing, score in scores.items() if score > 0 and thing[1]}
