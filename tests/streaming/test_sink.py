"""Writing batches: the tables and ledger rows that each message goes to, and that writing a batch again, or after half of it
was written, changes nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from cdp.lake.paths import EVENTS, QUARANTINE, table_url
from cdp.lake.tables import LOG_DAYS, STREAM_TABLES
from cdp.settings import Settings, load
from cdp.spark import map_in_arrow
from streaming.batches import BatchHandler, StopRequested
from streaming.checkpoint import Checkpoint
from streaming.commit import OpenTable
from streaming.events import sink
from streaming.events.query import EVENTS_QUERY
from streaming.events.sink import write_tables
from streaming.events.worker import BatchTask
from streaming.ledger.writer import LedgerWriter
from streaming.lock import LockedConnection
from streaming.messages import Counts, Topic
from streaming.tables import ForeignTable, ensure_tables
from tests import databases
from tests.spark_session import utc
from tests.streaming.conftest import Messages

pytestmark = pytest.mark.spark

Read = Callable[[str], list[Row]]
TOPIC = "events.raw"
LEDGER = "SELECT stream, batch, topic, hour::text, received, good, quarantined, reasons, late, partitions FROM mart.stream_ledger"


@pytest.fixture
def disk(spark: SparkSession, tmp_path: Path) -> Settings:
    """The tables on the local disk."""
    settings = replace(load({}), hdfs_url=f"file:{tmp_path}")  # as Spark writes a path itself
    ensure_tables(settings, STREAM_TABLES)
    return settings


@pytest.fixture
def read(spark: SparkSession, disk: Settings) -> Read:
    return lambda table: spark.read.format("delta").load(table_url(disk, table)).collect()


def make_handler(
    settings: Settings, connection: LockedConnection, checkpoint: Checkpoint, print_line: Callable[[str], None]
) -> BatchHandler:
    return BatchHandler(settings, EVENTS_QUERY, connection, checkpoint, [Topic(TOPIC, "topic-1", {})], print_line)


@dataclass
class Stream:
    """Calls the handler as Spark does: the offsets of a batch are in the checkpoint before it starts."""

    spark: SparkSession
    settings: Settings
    connection: LockedConnection
    lines: list[str] = field(default_factory=list)

    def write(self, batch: int, messages: DataFrame, end: dict[str, int]) -> BatchHandler:
        """Write a batch that reads from the end of the previous one up to `end`."""
        checkpoint = Checkpoint(self.spark, self.settings, EVENTS_QUERY)
        folder = Path(checkpoint.url.removeprefix("file:"))
        for name, offsets in (("sources/0/0", '{"0":0}'), (f"offsets/{batch}", str(end).replace("'", '"'))):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'v1\n{{"{TOPIC}":{offsets}}}')
        self.spark.sparkContext.setLocalProperty("sql.streaming.queryId", "s1")
        handler = make_handler(self.settings, self.connection, checkpoint, self.lines.append)
        handler(messages, batch)
        return handler

    def read_batches(self) -> list[tuple[Any, ...]]:
        columns = "batch, topic_id, received, offsets, milliseconds >= 0, written_at"
        return databases.rows(self.settings, f"SELECT {columns} FROM mart.stream_batch ORDER BY batch")


@pytest.fixture
def stream(servers: object, spark: SparkSession, disk: Settings) -> Iterator[Stream]:
    defaults = load()
    server = {name: getattr(defaults, name) for name in ("stack", "postgres_host", "postgres_port", "postgres_password")}
    with databases.database(replace(disk, **server)) as settings:
        stream = Stream(spark, settings, LockedConnection(settings, EVENTS_QUERY.name, threading.Event()))
        stream.connection.open()
        yield stream
        stream.connection.close()


def test_tables_exist_before_the_first_batch_and_a_foreign_one_is_refused(
    spark: SparkSession, disk: Settings, read: Read
) -> None:
    ensure_tables(disk, STREAM_TABLES)  # twice = once
    assert {table.name: read(table.name) for table in STREAM_TABLES} == {EVENTS: [], QUARANTINE: []}
    url = table_url(disk, EVENTS)
    spark.sql(f"ALTER TABLE delta.`{url}` ADD COLUMNS (color string)")
    with pytest.raises(ForeignTable, match=rf"{url} does not match this version: color is unknown\. "):
        ensure_tables(disk, STREAM_TABLES)


def test_the_log_of_a_table_is_short_and_its_rows_stay(
    spark: SparkSession, disk: Settings, messages: Messages, read: Read
) -> None:
    url = table_url(disk, EVENTS)
    old_properties = "'delta.logRetentionDuration' = 'interval 30 days', 'delta.checkpointInterval' = '2'"
    spark.sql(f"ALTER TABLE delta.`{url}` SET TBLPROPERTIES ({old_properties})")
    ensure_tables(disk, STREAM_TABLES)  # an older table gets the new properties
    log = Path(url.removeprefix("file:")) / "_delta_log"
    for batch in range(3):
        write_tables(disk, messages({}, first_offset=batch), "s1", batch)
    long_ago = time.time() - (LOG_DAYS + 2) * 86_400
    for file in log.iterdir():
        os.utime(file, (long_ago, long_ago))
    for batch in range(3, 6):  # deltalake cleans up when it writes a checkpoint
        write_tables(disk, messages({}, first_offset=batch), "s1", batch)
    # The checkpoint of version 5 stays because the commit after it is young.
    versions = [int(file.name.partition(".")[0]) for kind in ("json", "parquet") for file in log.glob(f"0*.{kind}")]
    assert sorted(versions) == [5, 5, 6, 7, 7, 8]
    assert len(read(EVENTS)) == DeltaTable(url).count() == 6


def test_commits_of_spark_and_of_the_stream_alternate_in_one_log(
    spark: SparkSession, disk: Settings, messages: Messages, read: Read
) -> None:
    url = table_url(disk, EVENTS)
    for batch in range(12):  # both write checkpoints meanwhile
        write_tables(disk, messages({}, first_offset=batch), "s1", batch)
        if batch % 3 == 2:
            rows = spark.read.format("delta").load(url).where(f"kafka_offset = {batch}")
            rows.write.format("delta").mode("append").option("txnAppId", "spark").option("txnVersion", batch).save(url)
    expected = sorted([*range(12), 2, 5, 8, 11])
    assert sorted(row.kafka_offset for row in read(EVENTS)) == expected
    table = DeltaTable(url)
    assert sorted(table.to_pyarrow_table(columns=["kafka_offset"])["kafka_offset"].to_pylist()) == expected
    assert (table.transaction_version("s1"), table.transaction_version("spark")) == (11, 11)
    write_tables(disk, messages({}, first_offset=11), "s1", 11)
    again = spark.read.format("delta").load(url).limit(1)
    again.write.format("delta").mode("append").option("txnAppId", "s1").option("txnVersion", 11).save(url)
    assert len(read(EVENTS)) == len(expected)


@pytest.mark.stack("postgres")
def test_ledger_has_a_row_per_hour_and_the_offsets_of_the_batch_and_twice_is_once(
    stream: Stream, messages: Messages, read: Read
) -> None:
    early, late = utc(2019, 10, 1, 12, 59, 59), utc(2019, 10, 2, 13, 0, 0)
    days = ("2019-10-03", "2019-10-02", "2019-10-01", "2019-09-30", "2019-09-24", "2019-09-02", "2019-09-01")
    events = [{"event_time": f"{day} 12:00:00 UTC"} for day in days]
    batch = messages({}, b"x", received=early).union(messages({"price": "-1"}, b"y", *events, first_offset=3, received=late))
    for _ in range(2):
        written = stream.write(0, batch, {"0": 20, "1": 4})
        assert written.counts == Counts(11, 8, 3)
    assert stream.lines == ["batch 0: received 11, good 8, quarantined 3"] * 2
    assert databases.rows(stream.settings, f"{LEDGER} ORDER BY hour") == [
        (
            "s1", 0, TOPIC, "2019-10-01 12:00:00+00", 2, 1, 1, {"not_json": 1},
            {"0": 1}, {"0": {"first": 0, "last": 1, "count": 2}},
        ),
        (
            "s1", 0, TOPIC, "2019-10-02 13:00:00+00", 9, 7, 2, {"bad_price": 1, "not_json": 1},
            {"0": 2, "1": 1, "2-7": 1, "8-30": 2, "31+": 1}, {"0": {"first": 3, "last": 11, "count": 9}},
        ),
    ]  # fmt: skip
    ((*columns, written_at),) = stream.read_batches()
    offsets = {"0": {"from": 0, "until": 20, "count": 11}, "1": {"from": 0, "until": 4, "count": 0}}
    assert columns == [0, "topic-1", 11, offsets, True]
    assert sorted(row.kafka_offset for row in read(EVENTS)) == [0, 5, 6, 7, 8, 9, 10, 11]
    assert {row.kafka_offset: (row.reason, row.received_day) for row in read(QUARANTINE)} == {
        1: ("not_json", date(2019, 10, 1)), 3: ("bad_price", date(2019, 10, 2)), 4: ("not_json", date(2019, 10, 2)),
    }  # fmt: skip

    # A batch of marks of transactions only: no message, but the range advances.
    assert stream.write(1, batch.limit(0), {"0": 22, "1": 4}).counts == Counts()
    first, second = stream.read_batches()
    assert first[-1] == written_at
    assert second[:4] == (1, "topic-1", 0, {"0": {"from": 20, "until": 22, "count": 0}, "1": {"from": 4, "until": 4, "count": 0}})


@pytest.mark.stack("postgres")
def test_crash_between_two_writes_is_healed_by_writing_the_batch_again(
    stream: Stream, messages: Messages, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = sink._append

    def crash_at(place: str) -> Callable[..., None]:
        def crash(table: OpenTable, *rest: Any) -> None:
            if table.table.name == place:
                raise RuntimeError("killed here")
            append(table, *rest)

        return crash

    def crash_in_ledger(*_: Any) -> None:
        raise RuntimeError("killed here")

    for batch, fails_at in enumerate((QUARANTINE, EVENTS, "ledger")):
        received = messages({}, b"x", first_offset=2 * batch)
        with monkeypatch.context() as patch:
            patch.setattr(sink, "_append", crash_at(fails_at))
            if fails_at == "ledger":
                patch.setattr(LedgerWriter, "write", crash_in_ledger)
            with pytest.raises(RuntimeError, match="killed here"):
                stream.write(batch, received, {"0": 2 * batch + 2})
        assert len(stream.read_batches()) == batch, fails_at
        stream.write(batch, received, {"0": 2 * batch + 2})
    assert (len(read(EVENTS)), len(read(QUARANTINE)), len(stream.read_batches())) == (3, 3, 3)


def test_readers_see_the_same_instants_in_files_of_before_and_of_now(
    spark: SparkSession, disk: Settings, messages: Messages, read: Read
) -> None:
    url, time_of_event = table_url(disk, EVENTS), "2019-10-01 23:59:59.123456"
    write_tables(disk, messages({"event_time": f"{time_of_event} UTC"}), "s1", 0)
    with options(spark, {"spark.sql.parquet.outputTimestampType": "INT96"}):
        before = spark.read.format("delta").load(url).withColumn("kafka_offset", F.lit(1).cast("bigint"))
        before.write.format("delta").mode("append").save(url)
    kinds = {pq.ParquetFile(file.removeprefix("file:")).schema.column(1).physical_type for file in DeltaTable(url).file_uris()}
    assert kinds == {"INT64", "INT96"}
    expected = datetime(2019, 10, 1, 23, 59, 59, 123_456, UTC)
    at_the_time = spark.read.format("delta").load(url).where(f"event_time = '{time_of_event}'")
    assert sorted(row.kafka_offset for row in at_the_time.collect()) == [0, 1]
    assert {row.event_time for row in read(EVENTS)} == {expected.replace(tzinfo=None)}
    rows = DeltaTable(url).to_pyarrow_table(filters=[("event_time", "=", expected)])
    assert sorted(rows["kafka_offset"].to_pylist()) == [0, 1]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        files = f"read_parquet('{url.removeprefix('file:')}/*/*.parquet')"
        assert connection.sql(f"SELECT DISTINCT epoch_us(event_time) FROM {files}").fetchall() == [(1_569_974_399_123_456,)]


def test_files_of_a_task_that_failed_are_never_read(
    messages: Messages, disk: Settings, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FailingTask(BatchTask):
        """Writes its files, and fails before Spark has its result."""

        def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            self.run(batches)
            raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(sink, "BatchTask", FailingTask)
        with pytest.raises(PySparkException, match="disk full"):
            write_tables(disk, messages({}, b"x"), "s1", 0)
    folder = Path(table_url(disk, EVENTS).removeprefix("file:"))
    (lost,) = folder.rglob("*.parquet")
    assert read(EVENTS) == []
    assert write_tables(disk, messages({}, b"x"), "s1", 0).counts == Counts(2, 1, 1)
    assert [Path(file).name for file in DeltaTable(table_url(disk, EVENTS)).file_uris()] != [lost.name]
    assert [row.kafka_offset for row in read(EVENTS)] == [0]


def test_large_messages_come_to_a_task_in_small_batches(spark: SparkSession, messages: Messages) -> None:
    large = messages({}).select(F.explode(F.sequence(F.lit(1), F.lit(40)))).withColumn("value", F.expr("repeat('x', 1000000)"))

    def measure(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        sizes = [batch.nbytes for batch in batches]
        yield pa.RecordBatch.from_pydict({"size": pa.array(sizes, pa.int64())})

    sizes = [row.size for row in map_in_arrow(large.select("value"), measure, "size bigint").collect()]
    assert sum(sizes) > 40_000_000
    assert max(sizes) < 20 * 2**20


@contextmanager
def options(spark: SparkSession, values: dict[str, str]) -> Iterator[None]:
    for name, value in values.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name in values:
            spark.conf.unset(name)


def test_no_batch_starts_after_a_stop(spark: SparkSession, disk: Settings, messages: Messages) -> None:
    connection = LockedConnection(disk, EVENTS_QUERY.name, threading.Event())
    handler = make_handler(disk, connection, Checkpoint(spark, disk, EVENTS_QUERY), print)
    handler.stop.set()
    with pytest.raises(StopRequested):
        handler(messages({}), 0)


def test_stream_with_a_new_checkpoint_is_not_mistaken_for_the_old_one(messages: Messages, disk: Settings, read: Read) -> None:
    write_tables(disk, messages({"product_id": "1"}), "old", 0)
    write_tables(disk, messages({"product_id": "2"}), "new", 0)
    assert {row.product_id for row in read(EVENTS)} == {"1", "2"}


def test_a_batch_writes_one_file_per_day_of_events(messages: Messages, disk: Settings, spark: SparkSession) -> None:
    days = [{"event_time": f"2019-09-{day:02} 00:00:00 UTC", "user_id": str(user)} for day in (1, 2, 3) for user in range(9)]
    write_tables(disk, messages(*days).repartition(3), "stream", 0)
    files = spark.read.format("delta").load(table_url(disk, EVENTS)).inputFiles()
    assert sorted(Path(file).parent.name for file in files) == [f"event_day=2019-09-0{day}" for day in (1, 2, 3)]
