"""The Delta tables that the stream writes: their columns, and how they come into being. A table is made before the first
batch, so that a reader finds it also where nothing was ever refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import deltalake
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from cdp.paths import EVENTS, QUARANTINE, table_url
from cdp.settings import Settings

#: How long a table's log has each commit. A stream makes thousands a day, all in one folder, which whoever writes or reads lists
#: as a whole. A night asks it for what came since the night before (batch/hdfs/changes.py).
LOG_DAYS = 7


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: str  # as Spark writes a schema
    partition: str = ""
    #: Statistics cost at each write, and a text's least and greatest say nothing here.
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
#: Null while a message waits. A replay claims it by its id, and says when it became an event and by which repair.
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
    """A table is not as this version of the code writes it."""


def ensure_tables(spark: SparkSession, settings: Settings) -> None:
    """Make the tables that are not there, and give those of an earlier version what they lack."""
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
    """Rows that are there have null in them. Changing a table disturbs who writes just then, so only where it must be."""
    there = spark.read.format("delta").load(url).schema
    if wrong := differences(table.schema, there):
        raise ForeignTable(
            f"the table {url} is not as this version writes it: {', '.join(wrong)}. Nothing was written."
            " What to do: docs/operations.md, When the stream stops."
        )
    missing = [f"{field.name} {field.dataType.simpleString()}" for field in table.schema if field.name not in there.names]
    if missing:
        spark.sql(f"ALTER TABLE delta.`{url}` ADD COLUMNS ({', '.join(missing)})")


def _set_properties(spark: SparkSession, table: Table, url: str) -> None:
    """Only where they are others, for the same reason."""
    there = deltalake.DeltaTable(url).metadata().configuration
    if said := ", ".join(f"'{name}' = '{value}'" for name, value in table.properties.items() if there.get(name) != value):
        spark.sql(f"ALTER TABLE delta.`{url}` SET TBLPROPERTIES ({said})")


def differences(ours: StructType, there: StructType) -> list[str]:
    """Columns of another type, and those that are not ours; a column that is missing can be added."""
    types = {field.name: field.dataType.simpleString() for field in ours}
    found = {field.name: field.dataType.simpleString() for field in there}
    others = [f"{name} is {kind} and not {types[name]}" for name, kind in found.items() if types.get(name, kind) != kind]
    return others + [f"{name} is not ours" for name in found if name not in types]
