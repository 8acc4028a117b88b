"""A stream that can't resume, on real servers: it stops with one line and skips nothing; the documented remedy works."""

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
from pyspark.sql import DataFrame, SparkSession

from cdp.kafka import client_config
from cdp.lake.paths import EVENTS, QUARANTINE, table_url
from cdp.settings import Settings, load
from infra.stack.stream_progress import stream_state
from streaming.events.query import EVENTS_QUERY
from streaming.ledger.__main__ import read_report
from streaming.ledger.read import read_retained_ranges
from streaming.ledger.recount import recount
from streaming.ledger.sums import make_checks
from streaming.lock import LockedConnection
from streaming.messages import Counts, OffsetRange
from streaming.query import BatchContext, Query
from streaming.resume import CannotResume
from streaming.runner import StreamRunner
from tests import databases

pytestmark = [pytest.mark.spark, pytest.mark.stack("kafka", "hdfs", "postgres"), pytest.mark.timeout(600)]


@dataclass
class Shop:
    """A topic, a folder and a database of its own, and the stream run by hand."""

    spark: SparkSession
    settings: Settings
    topic: str
    kafka: AdminClient
    lines: list[str] = field(default_factory=list)
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

    def stream(self, from_earliest: bool = False, query: Query = EVENTS_QUERY) -> int:
        """Run the stream once and return the number of messages it received."""
        self.lines.clear()
        stop, query = threading.Event(), replace(query, topics=(self.topic, *query.topics[1:]))
        connection = LockedConnection(self.settings, query.name, stop)
        connection.open()
        try:
            runner = StreamRunner(self.spark, self.settings, query, connection, stop, self.lines.append)
            return runner.run(once=True, from_earliest=from_earliest).received
        finally:
            connection.close()

    def fail_to_resume(self) -> str:
        """The stream must stop before it writes anything; returns its error line."""
        before = self.count_rows()
        with pytest.raises(CannotResume) as error:
            self.stream()
        assert self.count_rows() == before
        (line,) = str(error.value).splitlines()
        return line

    def count_rows(self) -> tuple[int, int]:
        """Distinct events, and rows of both tables."""
        events, quarantined = (DeltaTable(table_url(self.settings, name)).to_pyarrow_table() for name in (EVENTS, QUARANTINE))
        return len(set(events["event_id"].to_pylist())), events.num_rows + quarantined.num_rows

    def assert_ledger_adds_up(self) -> list[OffsetRange]:
        """Recounts Kafka too, and returns the lost ranges of the report."""
        report = read_report(self.settings, self.topic, None)
        ranges = read_retained_ranges(self.settings, report.kafka_topic)
        report = replace(report, recounts=recount(self.settings, self.topic, ranges))
        assert [check.text for check in make_checks(report) if not check.ok] == []
        assert report.recounts
        assert sum(report.waiting.values()) == 0
        return report.lost


@pytest.fixture
def shop(spark: SparkSession) -> Iterator[Shop]:
    with databases.database(load()) as settings:
        name = f"test_{uuid.uuid4().hex[:8]}"
        shop = Shop(spark, replace(settings, hdfs_root=f"/{name}"), f"events.{name}", AdminClient(client_config(settings)))
        make_topic(shop)
        yield shop
        shop.kafka.delete_topics([shop.topic])[shop.topic].result(30)
        files(shop).delete(shop.settings.hdfs_root, recursive=True)


def make_topic(shop: Shop) -> None:
    shop.kafka.create_topics([NewTopic(shop.topic, 2, 1)])[shop.topic].result(30)


def files(shop: Shop) -> InsecureClient:
    return InsecureClient(shop.settings.hdfs_http, user="cdp")


def test_each_stop_is_one_line_and_the_remedy_loses_only_what_it_names(shop: Shop) -> None:
    shop.send(10)
    assert shop.stream() == 10
    state = stream_state(shop.settings)
    assert state.progress
    assert (state.runs, state.progress.batch, state.progress.received, state.progress.waiting) == (False, 0, 10, 0)

    # Messages leave Kafka before they are read: two of partition 0.
    shop.send(10)
    (gone,) = shop.kafka.delete_records([TopicPartition(shop.topic, 0, 7)]).values()
    gone.result(30)
    assert f"left Kafka before they were read: {shop.topic} partition 0, offsets 5 until 7. " in shop.fail_to_resume()
    state = stream_state(shop.settings)
    assert state.progress
    assert state.progress.waiting == 3 + 5
    assert shop.stream(from_earliest=True) == 3 + 10
    url = f"{shop.settings.hdfs_url}{shop.settings.hdfs_root}/_checkpoints/events"
    assert f"{url}.1;" in shop.lines[0]
    assert shop.lines[1] == "lost before it was read: partition 0, offsets 5 until 7"
    # Partition 1 was read a second time from its beginning: five copies, with the same ids.
    assert shop.count_rows() == (18, 23)
    assert shop.assert_ledger_adds_up() == [OffsetRange(shop.topic, 0, 5, 7)]

    # The checkpoint can't be read.
    folder = f"{shop.settings.hdfs_root}/_checkpoints/events"
    files(shop).write(f"{folder}/offsets/0", b"v1\n{", overwrite=True)
    shop.send(2)
    assert f"can't be read: {url}/offsets/0 is not in Spark's format: " in shop.fail_to_resume()
    assert shop.stream(from_earliest=True) == 13 + 2
    assert shop.count_rows() == (20, 38)
    assert shop.assert_ledger_adds_up() == [OffsetRange(shop.topic, 0, 5, 7)]
    assert not [line for line in shop.lines if "lost" in line]

    # Another topic of the same name, with more offsets than were read.
    shop.kafka.delete_topics([shop.topic])[shop.topic].result(30)
    make_topic(shop)
    shop.send(30)
    assert shop.fail_to_resume().startswith(f"the topic {shop.topic} was deleted and created again ")
    assert shop.stream(from_earliest=True) == 30
    assert "was read up to partition 0, offset 11; partition 1, offset 11;" in shop.lines[1]
    assert shop.assert_ledger_adds_up() == []


def test_another_query_reads_two_topics_from_kafka_with_a_checkpoint_of_its_own(shop: Shop) -> None:
    second = replace(shop, topic=f"{shop.topic}.second")
    make_topic(second)
    batches: list[tuple[list[OffsetRange], set[str]]] = []

    def write(messages: DataFrame, context: BatchContext) -> Counts:
        batches.append(([*context.ranges], {row.topic for row in messages.select("topic").distinct().collect()}))
        return Counts(messages.count())

    query = Query("pairs", (shop.topic, second.topic), (), write)
    shop.send(4)
    second.send(6)
    try:
        assert (shop.stream(query=query), shop.stream()) == (10, 4)
        second.send(2)
        assert (shop.stream(query=query), shop.stream()) == (2, 0)
    finally:
        shop.kafka.delete_topics([second.topic])[second.topic].result(30)
    ends = {shop.topic: (2, 2), second.topic: (3, 4)}
    assert batches == [
        ([OffsetRange(name, number, 0, ends[name][0]) for name in ends for number in (0, 1)], {*ends}),
        ([OffsetRange(name, number, *ends[name]) for name in ends for number in (0, 1)], {second.topic}),
    ]
    assert sorted(files(shop).list(f"{shop.settings.hdfs_root}/_checkpoints")) == ["events", "pairs"]
