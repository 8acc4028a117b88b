"""Reads and writes the Delta tables of the night on HDFS: read at a version, written as a whole or by days."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import date

from delta.tables import DeltaTable as SparkDeltaTable
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from cdp.days import day_from_text
from cdp.events import COUNTS
from cdp.lake.paths import CUSTOMER_DAY, CUSTOMERS, EVENTS, INTERACTIONS, RECOMMENDATIONS, SHOP, table_url
from cdp.lake.tables import INTERACTIONS_TABLE
from cdp.settings import Settings

Shape = Callable[[DataFrame], DataFrame]
#: Partition column of `customer_day` and `interactions`: the first day of the month.
MONTH = "month"
#: Key in the commit note of `write_days`.
DAYS_NOTE = "days"
#: Delta operations that change no rows.
WITHOUT_CHANGES = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
#: The retention that Delta itself considers safe.
SAFE_HOURS = 168
LISTING_TASKS = 8


def read_events(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    return _read_delta(spark).option("versionAsOf", version).load(table_url(settings, EVENTS))


def rewrite_events(spark: SparkSession, settings: Settings, days: Collection[date], shape: Shape, note: str) -> None:
    """Replace the files of these days by other files with the same events. `note` is stored in the commit.

    The frame is neither pinned to a version nor persisted: Delta then plans the read inside the transaction of the write, so the
    files read are exactly the files replaced, and files that the stream appends meanwhile stay. `dataChange` false declares that
    there are no new events, so appends never conflict with this write and `batch/hdfs/changes.py` ignores it. The write may drop
    copies, because every reader drops them anyway.
    """
    events = _read_delta(spark).load(table_url(settings, EVENTS)).where(F.col("event_day").isin(list(days)))
    writer = shape(events).write.format("delta").mode("overwrite").option("replaceWhere", match_days("event_day", days))
    writer.option("dataChange", "false").option("userMetadata", note).save(table_url(settings, EVENTS))


def vacuum(spark: SparkSession, settings: Settings, table: str, hours: int) -> None:
    """Delete the files that no version of the last `hours` refers to."""
    # By default Spark lists the folders in ten thousand tasks.
    spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", LISTING_TASKS)
    # Delta refuses less than a week, to protect long readers and writers. A shorter setting is intentional.
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", str(hours >= SAFE_HOURS).lower())
    SparkDeltaTable.forPath(spark, table_url(settings, table)).vacuum(hours)


def read_history(spark: SparkSession, settings: Settings, table: str) -> DataFrame:
    """All days of `customer_day` or `interactions`. The night lock keeps other writers away."""
    rows = _read_delta(spark).load(table_url(settings, table)).drop(MONTH)
    return _fill_counts(rows) if table == CUSTOMER_DAY else rows


def _fill_counts(rows: DataFrame) -> DataFrame:
    """Set the count of an event type to 0 for days that were written before the type existed."""
    existing = (name for name in COUNTS.values() if name in rows.columns)
    new = {name: F.lit(0) for name in COUNTS.values() if name not in rows.columns}
    return rows.fillna(0, list(existing)).withColumns(new)


def open_table(settings: Settings, table: str) -> DeltaTable | None:
    """None if the table was never written."""
    try:
        return DeltaTable(table_url(settings, table))
    except TableNotFoundError:
        return None


def has_current_layout(settings: Settings, table: str) -> bool:
    """Whether `customer_day` or `interactions` exists in the current layout. An earlier version of the platform wrote a folder
    per day, or other columns of `interactions`: such a table counts as missing, and the next night replaces it."""
    written = open_table(settings, table)
    if written is None or written.metadata().partition_columns != [MONTH]:
        return False
    columns = {column.name for column in written.schema().fields}
    # `customer_day` may lack a new event type's column: it is read as 0.
    return table != INTERACTIONS or columns == {*INTERACTIONS_TABLE.columns, MONTH}


def read_customers(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    return _read_delta(spark).option("versionAsOf", version).load(table_url(settings, CUSTOMERS))


def read_interactions(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    return _read_delta(spark).option("versionAsOf", version).load(table_url(settings, INTERACTIONS)).drop(MONTH)


def read_recommendations(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    return _read_delta(spark).option("versionAsOf", version).load(table_url(settings, RECOMMENDATIONS))


def read_shop_table(spark: SparkSession, settings: Settings, table: str, version: int) -> DataFrame:
    """A table of the shop's database."""
    return _read_delta(spark).option("versionAsOf", version).load(table_url(settings, f"{SHOP}/{table}"))


def count_customers(settings: Settings, version: int) -> int:
    """The sum of the row counts in the log."""
    return int(DeltaTable(table_url(settings, CUSTOMERS), version=version).count())


def write_days(frame: DataFrame, settings: Settings, table: str, days: Collection[date]) -> None:
    """Replace these days and keep the others. The commit notes the days (see `read_changed_days`).

    A month is a folder. Each night adds a file to it, and `batch/hdfs/upkeep.py` merges the files of a past month into one, so
    years of history are read from tens of files. Rows are sorted, so the statistics of a file tell which days it has.
    """
    rows = frame.withColumn(MONTH, F.trunc("day", "month")).repartition(MONTH).sortWithinPartitions("day", "customer_id")
    writer = rows.write.format("delta").mode("overwrite").partitionBy(MONTH).option("userMetadata", _make_days_note(days))
    if has_current_layout(settings, table):
        replaced = f"{match_days(MONTH, {day.replace(day=1) for day in days})} AND {match_days('day', days)}"
        # A new event type adds a column.
        writer = writer.option("mergeSchema", "true").option("replaceWhere", replaced)
    else:
        writer = writer.option("overwriteSchema", "true").option("partitionOverwriteMode", "static")
    writer.save(table_url(settings, table))


def _make_days_note(days: Collection[date]) -> str:
    return json.dumps({DAYS_NOTE: sorted(map(str, days))})


def read_changed_days(table: DeltaTable, version: int) -> frozenset[date] | None:
    """The days that `write_days` has written after this version. None if the log does not tell."""
    changed: set[date] = set()
    commits = [commit for commit in table.history(max(0, table.version() - version)) if commit["version"] > version]
    if len(commits) != table.version() - version:
        return None
    for commit in commits:
        note = json.loads(commit.get("userMetadata") or "{}")
        if DAYS_NOTE in note:
            changed.update(map(day_from_text, note[DAYS_NOTE]))
        elif commit["operation"] not in WITHOUT_CHANGES:
            return None
    return frozenset(changed)


def read_interactions_version(settings: Settings) -> int:
    return int(DeltaTable(table_url(settings, INTERACTIONS)).version())


def write_customers(frame: DataFrame, settings: Settings, note: str) -> int:
    """Replace the whole table and return the new version. Metrics may be added or removed. `note` is stored in the commit."""
    url = table_url(settings, CUSTOMERS)
    writer = frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").option("userMetadata", note)
    # They apply to a new table; for an existing one the upkeep sets them.
    writer.options(**retention_properties(settings.snapshot_days)).option("partitionOverwriteMode", "static").save(url)
    return int(DeltaTable(url).version())


def retention_properties(days: int) -> dict[str, str]:
    """Delta's table properties for keeping versions this long. Its default is a month."""
    return dict.fromkeys(("delta.logRetentionDuration", "delta.deletedFileRetentionDuration"), f"interval {days} days")


def match_days(column: str, days: Collection[date]) -> str:
    dates = ", ".join(f"DATE '{day}'" for day in sorted(days))
    return f"{column} IN ({dates})"


def _read_delta(spark: SparkSession) -> DataFrameReader:
    return spark.read.format("delta")
