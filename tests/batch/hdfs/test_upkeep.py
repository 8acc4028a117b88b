"""Small files are merged, replaced files are deleted after their retention, and snapshots stay readable for longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from batch.hdfs.changes import group_files
from batch.hdfs.tables import (
    MONTH,
    read_changed_days,
    read_customers,
    read_interactions_version,
    write_customers,
    write_days,
)
from batch.hdfs.upkeep import MAX_FILES, run_upkeep
from cdp.lake.paths import COMPACTIONS, CUSTOMER_DAY, CUSTOMERS, INTERACTIONS, table_url
from cdp.lake.tables import EXPOSURES_TABLE, INTERACTIONS_TABLE, QUARANTINE_TABLE, LakeTable
from cdp.settings import Settings, load
from cdp.spark import lake_schema
from streaming.tables import ensure_tables

D1, D2 = date(2019, 10, 1), date(2019, 10, 2)
TODAY = date(2019, 10, 3)

pytestmark = pytest.mark.spark


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load({}), hdfs_url=f"file:{tmp_path}")


def append(spark: SparkSession, settings: Settings, table: LakeTable, day: date, *offsets: int) -> None:
    """Write the messages of one batch, as a stream does."""
    rows = [{table.partition: day, "kafka_offset": offset} for offset in offsets]
    frame = spark.createDataFrame(rows, lake_schema(table)).coalesce(1)
    frame.write.format("delta").mode("append").save(table_url(settings, table.name))


def files_of(settings: Settings, table: str) -> int:
    return len(DeltaTable(table_url(settings, table)).file_uris())


def offsets(settings: Settings, table: LakeTable) -> list[int]:
    rows = DeltaTable(table_url(settings, table.name)).to_pyarrow_table(columns=["kafka_offset"])
    return sorted(rows["kafka_offset"].to_pylist())


@pytest.mark.parametrize("table", [QUARANTINE_TABLE, EXPOSURES_TABLE], ids=lambda table: table.name)
def test_past_days_of_an_appended_table_become_one_file_each(spark: SparkSession, settings: Settings, table: LakeTable) -> None:
    ensure_tables(settings, (table,))
    for day, first in ((D1, 0), (D2, 10), (TODAY, 20)):
        for offset in range(first, first + 3):
            append(spark, settings, table, day, offset)
    report = run_upkeep(spark, settings, TODAY)
    assert (report.merged, report.deleted) == (6, 0)
    assert files_of(settings, table.name) == 1 + 1 + 3
    assert offsets(settings, table) == [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert run_upkeep(spark, settings, TODAY).merged == 0


def test_record_of_compactions_is_merged_when_it_has_many_files(spark: SparkSession, settings: Settings) -> None:
    columns = pa.schema([("table_id", pa.string()), ("dropped", pa.int64())])
    for night in range(MAX_FILES + 1):
        row = pa.table({"table_id": ["t"], "dropped": [night]}, columns)
        write_deltalake(table_url(settings, COMPACTIONS).removeprefix("file:"), row, mode="append")
        if night == MAX_FILES - 1:
            assert run_upkeep(spark, settings, TODAY).merged == 0
    assert run_upkeep(spark, settings, TODAY).merged == MAX_FILES + 1
    assert files_of(settings, COMPACTIONS) == 1


def test_a_month_that_has_been_over_for_a_week_becomes_one_file(spark: SparkSession, settings: Settings) -> None:
    def restate(day: date, events: int = 1) -> None:
        frame = spark.createDataFrame([("ann", day, events)], "customer_id string, day date, events int")
        write_days(frame, settings, CUSTOMER_DAY, [day])

    def months() -> dict[date, int]:
        table = DeltaTable(table_url(settings, CUSTOMER_DAY))
        return {month: len(files) for month, files in group_files(table, MONTH, "path").items()}

    september, october = date(2019, 9, 1), date(2019, 10, 1)
    for day in (date(2019, 9, 29), date(2019, 9, 30), D1, date(2019, 10, 7)):
        restate(day)
    assert run_upkeep(spark, settings, TODAY).merged == 0
    restate(date(2019, 10, 8))
    before = DeltaTable(table_url(settings, CUSTOMER_DAY)).version()
    assert run_upkeep(spark, settings, TODAY).merged == 2
    assert months() == {september: 1, october: 3}
    assert read_changed_days(DeltaTable(table_url(settings, CUSTOMER_DAY)), before) == frozenset(), "same rows as before"
    restate(date(2019, 9, 29), events=5)
    rows = DeltaTable(table_url(settings, CUSTOMER_DAY)).to_pyarrow_table(columns=["day", "events"]).to_pylist()
    assert {row["day"].day: row["events"] for row in rows} == {29: 5, 30: 1, 1: 1, 7: 1, 8: 1}
    assert read_changed_days(DeltaTable(table_url(settings, CUSTOMER_DAY)), before) == {date(2019, 9, 29)}


def test_replaced_files_are_deleted_after_their_retention(spark: SparkSession, settings: Settings) -> None:
    def restate(events: int) -> None:
        frame = spark.createDataFrame([("ann", D1, events)], "customer_id string, day date, events int")
        write_days(frame, settings, CUSTOMER_DAY, [D1])

    def at(version: int) -> list[int]:
        return DeltaTable(table_url(settings, CUSTOMER_DAY), version=version).to_pyarrow_table()["events"].to_pylist()

    restate(1)
    restate(2)
    assert run_upkeep(spark, settings, TODAY).deleted == 0
    assert (at(0), at(1)) == ([1], [2])
    assert run_upkeep(spark, replace(settings, vacuum_hours=0), TODAY).deleted == 1
    assert at(1) == [2]
    with pytest.raises(FileNotFoundError):
        at(0)


def test_interactions_of_an_earlier_publication_stay_readable_after_a_rewrite_and_a_merge(
    spark: SparkSession, settings: Settings
) -> None:
    september, october = date(2019, 9, 29), date(2019, 10, 8)

    def restate(day: date, events: int) -> int:
        columns = dict.fromkeys(INTERACTIONS_TABLE.column_names) | {"day": day, "customer_id": "ann", "events": events}
        frame = spark.createDataFrame([tuple(columns.values())], lake_schema(INTERACTIONS_TABLE))
        write_days(frame, settings, INTERACTIONS, [day])
        return read_interactions_version(settings)

    def at(version: int) -> list[int]:
        table = DeltaTable(table_url(settings, INTERACTIONS), version=version)
        return sorted(table.to_pyarrow_table(columns=["events"])["events"].to_pylist())

    settings = replace(settings, vacuum_hours=0)
    restate(september, 1)
    restate(date(2019, 9, 30), 2)
    previous = restate(october, 3)
    assert run_upkeep(spark, settings, TODAY).merged == 2
    serving = restate(october, 4)
    assert run_upkeep(spark, settings, TODAY).deleted == 0
    assert (at(previous), at(serving)) == ([1, 2, 3], [1, 2, 4])
    retention = DeltaTable(table_url(settings, INTERACTIONS)).metadata().configuration["delta.deletedFileRetentionDuration"]
    assert retention == "interval 400 days"
    actions = pa.table(DeltaTable(table_url(settings, INTERACTIONS)).get_add_actions(flatten=True)).to_pydict()
    assert sorted(zip(actions["min.day"], actions["max.day"], strict=True)) == [
        (september, date(2019, 9, 30)),
        (october, october),
    ]


def test_snapshots_stay_readable_after_other_tables_lost_their_old_versions(spark: SparkSession, settings: Settings) -> None:
    def publish(orders: int) -> int:
        return write_customers(spark.createDataFrame([("ann", orders)], "customer_id string, orders int"), settings, "{}")

    def read_retention() -> str:
        (retention,) = set(DeltaTable(table_url(settings, CUSTOMERS)).metadata().configuration.values())
        return retention

    first, second = publish(1), publish(2)
    assert read_retention() == "interval 400 days"
    settings = replace(settings, vacuum_hours=0, snapshot_days=500)
    run_upkeep(spark, settings, TODAY)
    third = publish(3)
    assert [read_customers(spark, settings, version).first().orders for version in (first, second, third)] == [1, 2, 3]
    assert read_retention() == "interval 500 days"
    before = DeltaTable(table_url(settings, CUSTOMERS)).version()
    run_upkeep(spark, settings, TODAY)
    assert DeltaTable(table_url(settings, CUSTOMERS)).version() == before, "a table with the right retention is not changed"
