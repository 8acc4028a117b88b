"""A stream that can't go on, on real servers: it stops with one line and passes over nothing; the documented way out works."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from deltalake import DeltaTable
from hdfs import InsecureClient
from pyspark.sql import SparkSession

from cdp.kafka import client_config
from cdp.paths import EVENTS, QUARANTINE, table_url
from cdp.settings import Settings, load
from infra.stack.stream_progress import stream_state
from streaming.book import Book
from streaming.carry import Carrier
from streaming.ledger.__main__ import look
from streaming.ledger.read import retained
from streaming.ledger.recount import recount
from streaming.ledger.sums import Lost, checks
from streaming.standing import Stuck
from tests import databases

pytestmark = [pytest.mark.spark, pytest.mark.stack("kafka", "hdfs", "postgres"), pytest.mark.timeout(600)]


@dataclass
class Shop:
    """A topic, a folder and a database of its own, and the stream run by hand."""

    spark: SparkSession
    settings: Settings
    topic: str
    kafka: AdminClient
    said: list[str] = field(default_factory=list)
    sent: int = 0

    def send(self, count: int) -> None:
        """Good events into both partitions, in turn."""
        producer = Producer(client_config(self.settings))
        for _ in range(count):
            event = {
                "event_time": "2021-05-01 10:00:00 UTC", "event_type": "view", "product_id": str(self.sent), "price": "1",
                "user_id": "u1", "event_id": f"e{self.sent}",
            }  # fmt: skip
            producer.produce(self.topic, json.dumps(event).encode(), partition=self.sent % 2)
            self.sent += 1
        assert producer.flush(30) == 0

    def stream(self, anew: bool = False) -> int:
        """Once; how many messages it received."""
        self.said.clear()
        stop = threading.Event()
        book = Book(self.settings, stop)
        book.open()
        try:
            carrier = Carrier(self.spark, self.settings, self.topic, book, stop, self.said.append)
            return carrier.carry(once=True, anew=anew).received
        finally:
            book.close()

    def stuck(self) -> str:
        """It stops before it takes anything; the line."""
        before = self.rows()
        with pytest.raises(Stuck) as error:
            self.stream()
        assert self.rows() == before
        (line,) = str(error.value).splitlines()
        return line

    def rows(self) -> tuple[int, int]:
        events, quarantined = (DeltaTable(table_url(self.settings, name)).to_pyarrow_table() for name in (EVENTS, QUARANTINE))
        return len(set(events["event_id"].to_pylist())), events.num_rows + quarantined.num_rows

    def assert_ledger_adds_up(self) -> list[Lost]:
        """Kafka counted too; what it says is lost."""
        found = look(self.settings, self.topic, None)
        found = replace(found, recounted=recount(self.settings, self.topic, retained(self.settings, found.now)))
        assert [check.text for check in checks(found) if not check.ok] == []
        assert found.recounted
        assert sum(found.waiting.values()) == 0
        return found.lost


@pytest.fixture
def shop(spark: SparkSession) -> Iterator[Shop]:
    with databases.database(load()) as settings:
        name = f"test_{uuid.uuid4().hex[:8]}"
        made = Shop(spark, replace(settings, hdfs_root=f"/{name}"), f"events.{name}", AdminClient(client_config(settings)))
        make_topic(made)
        yield made
        made.kafka.delete_topics([made.topic])[made.topic].result(30)
        files(made).delete(made.settings.hdfs_root, recursive=True)


def make_topic(shop: Shop) -> None:
    shop.kafka.create_topics([NewTopic(shop.topic, 2, 1)])[shop.topic].result(30)


def files(shop: Shop) -> InsecureClient:
    return InsecureClient(shop.settings.hdfs_http, user="cdp")


def test_each_stop_is_one_line_and_the_way_out_loses_only_what_it_says(shop: Shop) -> None:
    shop.send(10)
    assert shop.stream() == 10
    state = stream_state(shop.settings)
    assert state.progress
    assert (state.runs, state.progress.batch, state.progress.received, state.progress.waiting) == (False, 0, 10, 0)

    # Messages leave Kafka before they are read: two of partition 0.
    shop.send(10)
    (gone,) = shop.kafka.delete_records([TopicPartition(shop.topic, 0, 7)]).values()
    gone.result(30)
    left = f"messages left Kafka before they were read: {shop.topic} partition 0, offsets 5 until 7. What to do: docs/"
    assert shop.stuck().startswith(left)
    state = stream_state(shop.settings)
    assert state.progress
    assert state.progress.waiting == 3 + 5
    assert shop.stream(anew=True) == 3 + 10
    url = f"{shop.settings.hdfs_url}{shop.settings.hdfs_root}/_checkpoints/events"
    assert shop.said[:2] == [
        f"the checkpoint is set aside as {url}.1; beginning with the earliest messages that Kafka still has",
        "lost before it was read: partition 0, offsets 5 until 7",
    ]
    # Partition 1 was read a second time from its beginning: five copies, with the same ids.
    assert shop.rows() == (18, 23)
    assert shop.assert_ledger_adds_up() == [Lost(0, 5, 7)]

    # The checkpoint can't be read.
    folder = f"{shop.settings.hdfs_root}/_checkpoints/events"
    files(shop).write(f"{folder}/offsets/0", b"v1\n{", overwrite=True)
    shop.send(2)
    assert shop.stuck().startswith(f"the stream's checkpoint can't be read: {url}/offsets/0 is not Spark's: ")
    assert shop.stream(anew=True) == 13 + 2
    assert shop.rows() == (20, 38)
    assert shop.assert_ledger_adds_up() == [Lost(0, 5, 7)]
    assert not [line for line in shop.said if "lost" in line]

    # Another topic of the same name, with more offsets than were read.
    shop.kafka.delete_topics([shop.topic])[shop.topic].result(30)
    make_topic(shop)
    shop.send(30)
    assert shop.stuck().startswith(f"the topic {shop.topic} was deleted and made anew since it was read last: its id was ")
    assert shop.stream(anew=True) == 30
    assert shop.said[1] == (
        "of the topic that was there before, messages were read up to partition 0, offset 11; partition 1, offset 11;"
        " what came after is lost"
    )
    assert shop.assert_ledger_adds_up() == []
