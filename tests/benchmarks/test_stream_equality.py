"""The independent reading and the stream agree on a made history with its dirt and copies; and what differs is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from benchmarks.history import make_history
from benchmarks.stream_equality import BOOK, by_deltalake, differences, ledger_off, sent_and_logged
from benchmarks.stream_expected import LOG, engine, expect
from cdp.settings import Settings, load
from source_server import store
from source_server.history.summary import Summary
from source_server.intake import mapping_for
from streaming.account import Account
from streaming.sink import write_batch
from streaming.tables import ensure_tables
from tests.spark_session import spark, utc

__all__ = ["spark"]
pytestmark = pytest.mark.spark

EVENTS = 6_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load({}), hdfs_url=f"file:{tmp_path}", hdfs_root="/tables", var_dir=tmp_path)


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    return make_history(tmp_path / "shop.parquet", EVENTS, days=3)


@pytest.fixture
def log(settings: Settings, tmp_path: Path, summary: Summary) -> pa.Table:
    """The messages as Kafka would give them: in two partitions, the second an hour later."""
    file = tmp_path / "shop.parquet"
    lines = pq.read_table(store.path_of(settings, store.add(settings, file, mapping_for(file, None)).name))["line"].to_pylist()
    received = utc(2019, 11, 5, 12, 30)
    rows = [
        ("t", place % 2, place, received.replace(hour=12 + place % 2), line.removesuffix(b"\n"))
        for place, line in enumerate(lines)
    ]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), LOG, strict=True)], schema=LOG
    )


@pytest.fixture
def connection(settings: Settings, tmp_path: Path, log: pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
    with engine() as made:
        expect(made, tmp_path / "shop.parquet", store.path_of(settings, "shop"), "shop", log)
        yield made


def messages(spark: SparkSession, log: pa.Table, tmp_path: Path) -> DataFrame:
    pq.write_table(log, tmp_path / "log.parquet")
    read = spark.read.parquet(f"file:{tmp_path}/log.parquet")
    return read.selectExpr("line AS value", "topic", "`partition`", "`offset`", "CAST(came AS timestamp) AS timestamp")


def book(accounts: list[Account]) -> pa.Table:
    """What the ledger has of batches."""
    hours = [hour for one in accounts for hour in one.hours]
    rows = [(hour.hour, hour.counts.received, hour.counts.good, hour.counts.quarantined) for hour in hours]
    return pa.Table.from_pylist([dict(zip(BOOK.names, row, strict=True)) for row in rows], BOOK)


def test_the_tables_are_what_the_file_says(
    spark: SparkSession,
    settings: Settings,
    tmp_path: Path,
    summary: Summary,
    log: pa.Table,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    ensure_tables(spark, settings)
    batch = messages(spark, log, tmp_path)
    accounts = [write_batch(settings, batch, "stream", 0)]
    readers = {"deltalake": by_deltalake(settings)}
    assert list(map(str, differences(connection, readers))) == []
    assert list(map(str, ledger_off(connection, book(accounts)))) == []
    assert list(map(str, sent_and_logged(connection))) == []
    reasons = connection.sql("SELECT reason, count(*) FROM expected_quarantine GROUP BY 1").fetchall()
    assert dict(reasons) == {code: count for code, count in summary.dirty.items() if count}, "as the generator reports"
    assert len(connection.sql("FROM expected_events")) == summary.events + summary.duplicates
    assert summary.duplicates > 0

    # One message again, as another stream would write it: every reader finds it, and so does the ledger.
    accounts.append(write_batch(settings, batch.where("offset IN (7, 8)"), "another", 0))
    found = list(differences(connection, readers))
    assert sum(one.too_many for one in found) == 2
    assert [one.too_many for one in ledger_off(connection, book(accounts))] == [2]
    # One message that the source has and the log has not, and an event whose price is another.
    connection.execute('DELETE FROM log WHERE "offset" = 5')
    assert [(one.missing, one.too_many) for one in sent_and_logged(connection)] == [(1, 0)]
    connection.execute("UPDATE expected_events SET price = price + 0.01 WHERE kafka_offset = 3")
    (changed, *_) = differences(connection, readers)
    assert (changed.missing, changed.table) == (1, "events")
    assert "deltalake finds events with 1 rows missing" in str(changed)
