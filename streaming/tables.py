"""Creates the Delta tables that a stream declares, before its first batch: readers find quarantine even if nothing was ever
refused."""

from __future__ import annotations

from collections.abc import Iterable

import deltalake
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from cdp.lake.paths import table_url
from cdp.lake.tables import LakeTable
from cdp.settings import Settings
from cdp.spark import lake_schema


class ForeignTable(RuntimeError):
    """A table's columns are not those that this version of the code writes."""


def ensure_tables(spark: SparkSession, settings: Settings, tables: Iterable[LakeTable]) -> None:
    """Create missing tables, and add missing columns and properties to tables of an earlier version."""
    for table in tables:
        url = table_url(settings, table.name)
        if DeltaTable.isDeltaTable(spark, url):
            _add_columns(spark, table, url)
            _set_properties(spark, table, url)
        else:
            _create(spark, table, url)


def _create(spark: SparkSession, table: LakeTable, url: str) -> None:
    builder = DeltaTable.createIfNotExists(spark).location(url).addColumns(lake_schema(table))
    if table.partition:
        builder = builder.partitionedBy(table.partition)
    for name, value in table.properties.items():
        builder = builder.property(name, value)
    builder.execute()


def _add_columns(spark: SparkSession, table: LakeTable, url: str) -> None:
    """Existing rows get null. Altering a table disturbs concurrent writers, so it is done only when needed."""
    stored = spark.read.format("delta").load(url).schema
    if wrong := find_differences(lake_schema(table), stored):
        raise ForeignTable(
            f"the table {url} does not match this version: {', '.join(wrong)}. Nothing was written."
            " What to do: docs/operations.md, When the stream stops."
        )
    missing = [f"{field.name} {field.dataType.simpleString()}" for field in lake_schema(table) if field.name not in stored.names]
    if missing:
        spark.sql(f"ALTER TABLE delta.`{url}` ADD COLUMNS ({', '.join(missing)})")


def _set_properties(spark: SparkSession, table: LakeTable, url: str) -> None:
    """Only the properties that differ, for the same reason."""
    stored = deltalake.DeltaTable(url).metadata().configuration
    if changes := ", ".join(f"'{name}' = '{value}'" for name, value in table.properties.items() if stored.get(name) != value):
        spark.sql(f"ALTER TABLE delta.`{url}` SET TBLPROPERTIES ({changes})")


def find_differences(expected: StructType, stored: StructType) -> list[str]:
    """Columns of another type and unknown columns. A missing column is no difference: it can be added."""
    expected_types = {field.name: field.dataType.simpleString() for field in expected}
    stored_types = {field.name: field.dataType.simpleString() for field in stored}
    wrong_types = [
        f"{name} is {kind} instead of {expected_types[name]}"
        for name, kind in stored_types.items()
        if expected_types.get(name, kind) != kind
    ]
    return wrong_types + [f"{name} is unknown" for name in stored_types if name not in expected_types]
