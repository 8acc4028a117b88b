"""The Delta tables that the stream writes: their columns and their creation. A table is created before the first batch, so
readers find quarantine even if nothing was ever refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import deltalake
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from cdp.paths import EVENTS, QUARANTINE, table_url
from cdp.settings import Settings

#: Days that a table's log keeps each commit. A stream makes thousands of commits a day in one folder, and every reader and writer
#: lists the whole folder. A night asks the log what was added since the night before (batch/hdfs/changes.py).
LOG_DAYS = 7


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: str  # a schema in Spark's DDL
    partition: str = ""
    #: Columns with statistics. They cost time at each write, and the minimum and maximum of a text are useless here.
    statistics: str = ""

    @property
    def column_names(self) -> list[str]:
        return self.schema.names

    @property
    def properties(self) -> Mapping[str, str]:
        return {
            "delta.dataSkippingStatsColumns": self.statistics,
            "delta.logRetentionDuration": f"interval {LOG_DAYS} days",
        }

    @property
    def schema(self) -> StructType:
        schema = StructType.fromDDL(self.columns)
        assert isinstance(schema, StructType)
        return schema


EVENTS_TABLE = Table(
    EVENTS,
    """
    event_id string, event_day date, event_time timestamp, event_type string,
    product_id string, category_id string, category_code string, category_1 string, category_2 string, category_3 string,
    brand string, price decimal(12, 2), quantity int, amount decimal(18, 2), revenue decimal(18, 2),
    user_id string, anonymous_id string, user_session string, order_id string, source string, extra string,
    received_at timestamp, kafka_topic string, kafka_partition int, kafka_offset bigint
    """,
    partition="event_day",
    statistics="event_time,received_at",
)
#: Null while a message waits. A replay claims the row by its own id, and records the repair and when the row became an event.
REPLAY_COLUMNS = {"replay_id": "string", "replayed_at": "timestamp", "replayed_how": "string"}
QUARANTINE_TABLE = Table(
    QUARANTINE,
    """
    reason string, field string, detail string, payload binary,
    received_day date, received_at timestamp, kafka_topic string, kafka_partition int, kafka_offset bigint,
    """
    + ", ".join(f"{name} {kind}" for name, kind in REPLAY_COLUMNS.items()),
    partition="received_day",
    statistics="received_at",
)
TABLES = (EVENTS_TABLE, QUARANTINE_TABLE)


class ForeignTable(RuntimeError):
    """A table's columns are not those that this version of the code writes."""


def ensure_tables(spark: SparkSession, settings: Settings) -> None:
    """Create missing tables, and add missing columns and properties to tables of an earlier version."""
    for table in TABLES:
        url = table_url(settings, table.name)
        if DeltaTable.isDeltaTable(spark, url):
            _add_columns(spark, table, url)
            _set_properties(spark, table, url)
        else:
            _create(spark, table, url)


def _create(spark: SparkSession, table: Table, url: str) -> None:
    builder = DeltaTable.createIfNotExists(spark).location(url).addColumns(table.schema)
    if table.partition:
        builder = builder.partitionedBy(table.partition)
    for name, value in table.properties.items():
        builder = builder.property(name, value)
    builder.execute()


def _add_columns(spark: SparkSession, table: Table, url: str) -> None:
    """Existing rows get null. Altering a table disturbs concurrent writers, so it is done only when needed."""
    stored = spark.read.format("delta").load(url).schema
    if wrong := find_differences(table.schema, stored):
        raise ForeignTable(
            f"the table {url} does not match this version: {', '.join(wrong)}. Nothing was written."
            " What to do: docs/operations.md, When the stream stops."
        )
    missing = [f"{field.name} {field.dataType.simpleString()}" for field in table.schema if field.name not in stored.names]
    if missing:
        spark.sql(f"ALTER TABLE delta.`{url}` ADD COLUMNS ({', '.join(missing)})")


def _set_properties(spark: SparkSession, table: Table, url: str) -> None:
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
