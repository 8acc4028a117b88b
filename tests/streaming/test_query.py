"""Two queries of two topics: checkpoints, locks and offsets are kept apart, and the ledger of events is what it was.

The queries write Delta tables on the local disk. In place of Kafka and Spark's streaming engine, a batch is made here as Spark
makes it: offsets into the checkpoint, then the batch, then its commit. On servers: test_way_out.py.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import psycopg2
import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.lake import paths
from cdp.lake.tables import STREAM_TABLES, LakeTable
from cdp.settings import Settings, load
from streaming import __main__ as program
from streaming import runner as module
from streaming.events.account import Group, add_up
from streaming.events.query import EVENTS_QUERY
from streaming.ledger.rows import Batch, PartitionRead, make_batch_row, make_hour_row
from streaming.lock import STREAM_LOCK, LockedConnection
from streaming.messages import Counts, OffsetRange, PartitionKey, StreamPosition, Topic
from streaming.query import BatchContext, Query
from streaming.resume import CannotResume, find_problem
from streaming.runner import StreamRunner
from tests.spark_session import utc

COPIES = LakeTable("copies", {"query": "string", "value": "string"})
Ends = dict[str, list[int]]


class EndedQuery:
    """A query that has read everything."""

    def awaitTermination(self, seconds: float) -> bool:
        return True


@dataclass
class Server:
    """Kafka's topics, queries that read them, and the contexts of their batches."""

    spark: SparkSession
    settings: Settings
    ends: Ends = field(default_factory=lambda: {"orders": [3], "payments": [2, 1]})
    lows: Mapping[PartitionKey, int] = field(default_factory=dict)
    contexts: list[BatchContext] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def read_topics(self, _: Settings, names: Sequence[str]) -> list[Topic]:
        return [Topic(name, f"id of {name}", dict(self._list_ranges(name))) for name in names]

    def _list_ranges(self, topic: str) -> Iterator[tuple[int, OffsetRange]]:
        for number, end in enumerate(self.ends[topic]):
            yield number, OffsetRange(topic, number, self.lows.get(PartitionKey(topic, number), 0), end)

    def start_query(
        self, spark: SparkSession, settings: Settings, query: Query, write: Callable[[DataFrame, int], None], once: bool
    ) -> EndedQuery:
        """Do what Spark does when all topics are read in one batch."""
        folder = self.find_checkpoint(query.name)
        position: Any = {"id": uuid.uuid4().hex, "batch": 0, "ends": self.find_begin()}
        if folder.exists():
            position = json.loads((folder / "metadata").read_text())
        number, begin = position["batch"], position["ends"]
        if begin == self.ends:
            return EndedQuery()
        write_file(folder / "metadata", json.dumps(position))
        if not number:
            write_file(folder / "sources" / "0" / "0", in_spark_format(begin))
        write_file(folder / "offsets" / str(number), in_spark_format(self.ends))
        spark.sparkContext.setLocalProperty("sql.streaming.queryId", position["id"])
        write(self.make_messages(begin), number)
        write_file(folder / "commits" / str(number), "v1")
        write_file(folder / "metadata", json.dumps(position | {"batch": number + 1, "ends": self.ends}))
        return EndedQuery()

    def find_begin(self) -> Ends:
        return {topic: [offsets.start for _, offsets in self._list_ranges(topic)] for topic in self.ends}

    def make_messages(self, begin: Ends) -> DataFrame:
        values = [
            (f"{topic} {number} {offset}",)
            for topic, ends in self.ends.items()
            for number, end in enumerate(ends)
            for offset in range(begin[topic][number], end)
        ]
        return self.spark.createDataFrame(values, "value string")

    def make_query(self, name: str) -> Query:
        """A query that appends the messages to the table of copies."""

        def write(messages: DataFrame, context: BatchContext) -> Counts:
            self.contexts.append(context)
            writer = messages.selectExpr(f"'{name}' AS query", "value").write.format("delta").mode("append")
            writer.option("txnAppId", context.stream).option("txnVersion", context.number).save(self.table)
            count = sum(each.count for each in context.ranges)
            return Counts(count, count)

        return Query(name, ("orders", "payments"), (COPIES,), write)

    def run(self, name: str, from_earliest: bool = False) -> Counts:
        self.lines.clear()
        connection: Any = None  # this query writes nothing into Postgres
        query, stop = self.make_query(name), threading.Event()
        return StreamRunner(self.spark, self.settings, query, connection, stop, self.lines.append).run(True, from_earliest)

    @property
    def table(self) -> str:
        return paths.table_url(self.settings, COPIES.name)

    def read_copies(self, query: str) -> list[str]:
        rows = self.spark.read.format("delta").load(self.table).where(f"query = '{query}'").collect()
        return sorted(row.value for row in rows)

    def find_checkpoint(self, query: str) -> Path:
        return Path(paths.checkpoint_url(self.settings, query).removeprefix("file:"))

    def read_commits(self, query: str) -> list[str]:
        return sorted(file.name for file in (self.find_checkpoint(query) / "commits").iterdir())


def write_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def in_spark_format(ends: Ends) -> str:
    by_topic = {topic: {str(number): end for number, end in enumerate(offsets)} for topic, offsets in ends.items()}
    return f"v1\n{json.dumps(by_topic)}"


@pytest.fixture
def server(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server(spark, replace(load({}), hdfs_url=f"file:{tmp_path}"))
    monkeypatch.setattr(module, "read_topics", server.read_topics)
    monkeypatch.setattr(module, "start_query", server.start_query)
    monkeypatch.setattr(paths, "TABLES", (*paths.TABLES, COPIES.name))
    return server


@pytest.mark.spark
def test_two_queries_read_the_same_two_topics_from_checkpoints_of_their_own(server: Server) -> None:
    first = ["orders 0 0", "orders 0 1", "orders 0 2", "payments 0 0", "payments 0 1", "payments 1 0"]
    assert server.run("copier").received == 6
    assert server.read_copies("copier") == first
    assert [*server.contexts[0].ranges] == [
        OffsetRange("orders", 0, 0, 3),
        OffsetRange("payments", 0, 0, 2),
        OffsetRange("payments", 1, 0, 1),
    ]

    # Only payments get longer. The query resumes behind what it has read of each topic.
    server.ends = {"orders": [3], "payments": [4, 1]}
    assert server.run("copier").received == 2
    assert server.read_copies("copier") == sorted([*first, "payments 0 2", "payments 0 3"])
    assert [(each.key, each.start, each.end) for each in server.contexts[1].ranges if each.count] == [(("payments", 0), 2, 4)]
    assert server.contexts[1].number == 1

    # Another query starts from the beginning, and neither moves the other.
    assert server.run("another").received == 8
    assert server.read_copies("another") == server.read_copies("copier")
    assert (server.read_commits("copier"), server.read_commits("another")) == (["0", "1"], ["0"])
    assert server.contexts[2].stream != server.contexts[1].stream
    assert server.run("copier").received == 0


@pytest.mark.spark
def test_a_loss_in_one_topic_stops_the_query_that_had_not_read_it(server: Server) -> None:
    server.run("behind")
    server.ends = {"orders": [3], "payments": [9, 1]}
    server.run("ahead")
    server.lows = {PartitionKey("payments", 0): 5}
    with pytest.raises(CannotResume, match=r"payments partition 0, offsets 2 until 5\. .* \./run stream behind --from-earliest"):
        server.run("behind")
    assert server.run("ahead").received == 0
    server.run("behind", from_earliest=True)
    moved, lost, *_ = server.lines
    assert f"{server.find_checkpoint('behind')}.1;" in moved
    assert lost == "lost before it was read in payments: partition 0, offsets 2 until 5"
    assert server.read_commits("ahead") == ["0"]


def test_positions_in_two_topics_are_compared_each_with_its_own() -> None:
    position = StreamPosition({"orders": "o1"}, {PartitionKey("orders", 0): 9, PartitionKey("payments", 0): 4})
    orders = Topic("orders", "o1", {0: OffsetRange("orders", 0, 0, 9)})
    payments = Topic("payments", "p2", {0: OffsetRange("payments", 0, 0, 4)})
    assert (position.in_topic("orders"), position.in_topic("payments")) == ({0: 9}, {0: 4})
    assert find_problem(position, orders) is None
    assert find_problem(position, payments) is None, "its id was not recorded"
    assert find_problem(replace(position, topic_ids={"orders": "o1", "payments": "p1"}), payments)
    # The offset 9 is beyond the end of payments, not of orders.
    swapped = StreamPosition({}, {PartitionKey("payments", 0): 9, PartitionKey("orders", 0): 4})
    assert find_problem(swapped, orders) is None
    assert find_problem(swapped, payments)


def test_each_query_has_a_lock_and_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    locks = []
    for query in ("events", "shop"):
        connect = MagicMock()
        cursor = connect.return_value.cursor.return_value.__enter__.return_value
        cursor.fetchall.return_value = [(True,)]
        monkeypatch.setattr(psycopg2, "connect", connect)
        LockedConnection(load({}), query, threading.Event()).open()
        locks.append((connect.call_args.kwargs["application_name"], cursor.execute.call_args_list[0].args[1]))
    assert [(name, number) for name, (number, _) in locks] == [("cdp stream", STREAM_LOCK), ("cdp stream shop", STREAM_LOCK)]
    assert [url.rpartition("/")[2] for _, (_, url) in locks] == ["events", "shop"]


def test_the_events_stream_is_what_it_was() -> None:
    assert (EVENTS_QUERY.name, EVENTS_QUERY.topics, EVENTS_QUERY.tables) == ("events", ("events.raw",), STREAM_TABLES)
    settings = load({})
    assert paths.checkpoint_url(settings, EVENTS_QUERY.name) == f"{settings.hdfs_url}/cdp/_checkpoints/events"
    assert program._parse_arguments([]).query == program._parse_arguments(["--once"]).query == "events"


def test_the_ledger_rows_of_events_are_what_they_were() -> None:
    account = add_up([Group("events.raw", utc(2019, 10, 1, 12), 1, "not_json", None, 2, 4, 6)])
    ranges = [OffsetRange("events.raw", 1, 4, 8), OffsetRange("events.raw", 0, 7, 7)]
    reads = [PartitionRead(offsets, account.count_in(offsets.key)) for offsets in ranges]
    batch = Batch("s1", 3, {"events.raw": "t1"}, reads, 5)
    *columns, offsets, milliseconds = make_batch_row(batch, account)
    assert (columns, milliseconds) == (["s1", 3, "events.raw", "t1", 2], 5)
    assert json.dumps(offsets.adapted) == '{"0": {"from": 7, "until": 7, "count": 0}, "1": {"from": 4, "until": 8, "count": 2}}'
    *columns, reasons, late, partitions = make_hour_row("s1", 3, account.hours[0])
    assert columns == ["s1", 3, "events.raw", utc(2019, 10, 1, 12), 2, 0, 2]
    assert (reasons.adapted, late.adapted) == ({"not_json": 2}, {})
    assert partitions.adapted == {"1": {"first": 4, "last": 6, "count": 2}}


def test_a_batch_of_two_topics_is_refused_because_the_ledger_would_keep_one() -> None:
    reads = [PartitionRead(OffsetRange(topic, 0, 0, 1), 1) for topic in ("orders", "payments")]
    with pytest.raises(ValueError, match="one topic"):
        make_batch_row(Batch("s1", 0, {"orders": "o1", "payments": "p1"}, reads, 5), add_up([]))
