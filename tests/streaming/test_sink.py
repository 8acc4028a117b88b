"""Writing batches: into which table what goes, and that a batch written again, or half written before, changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from cdp.paths import EVENTS, LEDGER, QUARANTINE, table_url
from cdp.settings import Settings, load
from streaming import sink
from streaming.sink import Counts, write_batch
from streaming.tables import TABLES, ensure_tables
from tests.spark_session import utc
from tests.streaming.conftest import Messages

pytestmark = pytest.mark.spark

Read = Callable[[str], list[Row]]


@pytest.fixture
def disk(spark: SparkSession, tmp_path: Path) -> Settings:
    """The tables on the local disk."""
    settings = replace(load({}), hdfs_url=f"file:{tmp_path}")  # as Spark writes a path itself
    ensure_tables(spark, settings)
    return settings


@pytest.fixture
def read(spark: SparkSession, disk: Settings) -> Read:
    return lambda table: spark.read.format("delta").load(table_url(disk, table)).collect()


def test_tables_are_there_and_empty_before_the_first_batch(spark: SparkSession, disk: Settings, read: Read) -> None:
    ensure_tables(spark, disk)  # twice = once
    assert {table.name: read(table.name) for table in TABLES} == {EVENTS: [], QUARANTINE: [], LEDGER: []}


def test_received_is_good_and_quarantined_by_the_hour(messages: Messages, disk: Settings, read: Read) -> None:
    early, late = utc(2019, 10, 1, 12, 59, 59), utc(2019, 10, 1, 13, 0, 0)
    batch = messages({}, b"x", received=early).union(messages({}, {"price": "-1"}, b"y", first_offset=2, received=late))
    assert write_batch(disk, batch, "stream", 0) == Counts(5, 2, 3)
    hours = {row.hour.hour: (row.stream, row.batch_id, row.received, row.good, row.quarantined) for row in read(LEDGER)}
    assert hours == {12: ("stream", 0, 2, 1, 1), 13: ("stream", 0, 3, 1, 2)}
    assert sorted(row.kafka_offset for row in read(EVENTS)) == [0, 2]
    assert {row.kafka_offset: (row.reason, row.received_day) for row in read(QUARANTINE)} == {
        1: ("not_json", date(2019, 10, 1)), 3: ("bad_price", date(2019, 10, 1)), 4: ("not_json", date(2019, 10, 1)),
    }  # fmt: skip


def test_batch_written_twice_is_written_once(messages: Messages, disk: Settings, read: Read) -> None:
    for _ in range(2):
        assert write_batch(disk, messages({}, b"x"), "stream", 0) == Counts(2, 1, 1)
    assert (len(read(EVENTS)), len(read(QUARANTINE)), len(read(LEDGER))) == (1, 1, 1)


@pytest.mark.parametrize("fails_at", [QUARANTINE, EVENTS, LEDGER])
def test_crash_between_two_writes_is_healed_by_the_replay(
    messages: Messages, disk: Settings, read: Read, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    append = sink._append

    def crash(frame: DataFrame, settings: Settings, table: Any, *rest: Any) -> None:
        if table.name == fails_at:
            raise RuntimeError("killed here")
        append(frame, settings, table, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(sink, "_append", crash)
        with pytest.raises(RuntimeError, match="killed here"):
            write_batch(disk, messages({}, b"x"), "stream", 0)
    write_batch(disk, messages({}, b"x"), "stream", 0)
    assert (len(read(EVENTS)), len(read(QUARANTINE)), len(read(LEDGER))) == (1, 1, 1)


def test_stream_with_a_new_checkpoint_is_not_taken_for_the_old_one(messages: Messages, disk: Settings, read: Read) -> None:
    write_batch(disk, messages({"product_id": "1"}), "old", 0)
    write_batch(disk, messages({"product_id": "2"}), "new", 0)
    assert {row.product_id for row in read(EVENTS)} == {"1", "2"}


def test_events_lie_by_day_in_one_file_a_batch(messages: Messages, disk: Settings, spark: SparkSession) -> None:
    days = [{"event_time": f"2019-09-{day:02} 00:00:00 UTC", "user_id": str(user)} for day in (1, 2, 3) for user in range(9)]
    write_batch(disk, messages(*days).repartition(3), "stream", 0)
    files = spark.read.format("delta").load(table_url(disk, EVENTS)).inputFiles()
    assert sorted(Path(file).parent.name for file in files) == [f"event_day=2019-09-0{day}" for day in (1, 2, 3)]
