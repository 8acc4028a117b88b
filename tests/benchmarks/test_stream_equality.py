"""The expected rows and the stream agree on a generated history with dirt and copies, and differences are found."""

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
from benchmarks.stream_equality import LEDGER_ROWS, by_deltalake, compare_ledger, compare_log, differences
from benchmarks.stream_expected import LOG, make_expected, open_duckdb
from cdp.lake.tables import STREAM_TABLES
from cdp.settings import Settings, load
from source_server.history.summary import Summary
from source_server.intake import mapping_for, store
from streaming.events.account import BatchAccount
from streaming.events.sink import write_tables
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
    """The messages as Kafka would return them: in two partitions, the second an hour later."""
    file = tmp_path / "shop.parquet"
    lines = pq.read_table(store.path_of(settings, store.add(settings, file, mapping_for(None)).name))["line"].to_pylist()
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
    with open_duckdb() as connection:
        make_expected(connection, tmp_path / "shop.parquet", store.path_of(settings, "shop"), "shop", log)
        yield connection


def read_messages(spark: SparkSession, log: pa.Table, tmp_path: Path) -> DataFrame:
    pq.write_table(log, tmp_path / "log.parquet")
    rows = spark.read.parquet(f"file:{tmp_path}/log.parquet")
    return rows.selectExpr("line AS value", "topic", "`partition`", "`offset`", "CAST(came AS timestamp) AS timestamp")


def build_ledger(accounts: list[BatchAccount]) -> pa.Table:
    """The ledger's rows for these batches."""
    hours = [hour for account in accounts for hour in account.hours]
    rows = [(hour.hour, hour.counts.received, hour.counts.good, hour.counts.quarantined) for hour in hours]
    return pa.Table.from_pylist([dict(zip(LEDGER_ROWS.names, row, strict=True)) for row in rows], LEDGER_ROWS)


def test_the_tables_agree_with_the_file_and_differences_are_found(
    spark: SparkSession,
    settings: Settings,
    tmp_path: Path,
    summary: Summary,
    log: pa.Table,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    ensure_tables(settings, STREAM_TABLES)
    batch = read_messages(spark, log, tmp_path)
    accounts = [write_tables(settings, batch, "stream", 0)]
    readers = {"deltalake": by_deltalake(settings)}
    assert list(map(str, differences(connection, readers))) == []
    assert list(map(str, compare_ledger(connection, build_ledger(accounts)))) == []
    assert list(map(str, compare_log(connection))) == []
    reasons = connection.sql("SELECT reason, count(*) FROM expected_quarantine GROUP BY 1").fetchall()
    assert dict(reasons) == {code: count for code, count in summary.dirty.items() if count}, "as the generator counts them"
    assert len(connection.sql("FROM expected_events")) == summary.events + summary.duplicates
    assert summary.duplicates > 0

    # Two messages again, as another stream would write them: the reader and the ledger find both.
    accounts.append(write_tables(settings, batch.where("offset IN (7, 8)"), "another", 0))
    surplus = list(differences(connection, readers))
    assert sum(difference.too_many for difference in surplus) == 2
    assert [difference.too_many for difference in compare_ledger(connection, build_ledger(accounts))] == [2]
    # The log lacks a message of the source, and one event has another price.
    connection.execute('DELETE FROM log WHERE "offset" = 5')
    assert [(difference.missing, difference.too_many) for difference in compare_log(connection)] == [(1, 0)]
    connection.execute("UPDATE expected_events SET price = price + 0.01 WHERE kafka_offset = 3")
    (changed, *_) = differences(connection, readers)
    assert (changed.missing, changed.table) == (1, "events")
    assert "deltalake finds events with 1 rows missing" in str(changed)
