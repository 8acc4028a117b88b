"""The Delta tables of the night on HDFS: read at a version, written as a whole or a day at a time."""

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
from cdp.paths import CUSTOMER_DAY, CUSTOMERS, EVENTS, table_url
from cdp.settings import Settings

Shape = Callable[[DataFrame], DataFrame]
#: Column that partitions `customer_day` and `interactions`: the first day of the month.
MONTH = "month"
#: Key of the note in the commit of `write_days`.
DAYS_NOTE = "days"
#: Operations of Delta after which a table says what it said before.
WITHOUT_CHANGES = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
#: What Delta itself holds to be safe.
SAFE_HOURS = 168
LISTING_TASKS = 8


def read_events(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    return _delta(spark).option("versionAsOf", version).load(table_url(settings, EVENTS))


def rewrite_events(spark: SparkSession, settings: Settings, days: Collection[date], shape: Shape, said: str) -> None:
    """Put the same events in the place of the files of these days; `said` stands in the commit.

    The frame is neither pinned to a version nor kept: Delta then plans the read inside the write's own transaction, so that
    the files that are read are the files that are replaced, and what the stream appends meanwhile stays beside them.
    `dataChange` says that these are no new events, so that appends never conflict with this and `batch/hdfs/changes.py` passes
    it over. Copies may go missing in it, because every reader leaves them out anyway.
    """
    events = _delta(spark).load(table_url(settings, EVENTS)).where(F.col("event_day").isin(list(days)))
    writer = shape(events).write.format("delta").mode("overwrite").option("replaceWhere", any_of("event_day", days))
    writer.option("dataChange", "false").option("userMetadata", said).save(table_url(settings, EVENTS))


def vacuum(spark: SparkSession, settings: Settings, table: str, hours: int) -> None:
    """Delete the files that no version of the last hours refers to."""
    # Spark would list the folders in ten thousand tasks.
    spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", LISTING_TASKS)
    # Delta refuses less than a week, for the sake of long readers and writers; a setting below says that it is meant.
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", str(hours >= SAFE_HOURS).lower())
    SparkDeltaTable.forPath(spark, table_url(settings, table)).vacuum(hours)


def read_history(spark: SparkSession, settings: Settings, table: str) -> DataFrame:
    """Every day that `customer_day` or `interactions` has. The lock of the night keeps other writers away."""
    rows = _delta(spark).load(table_url(settings, table)).drop(MONTH)
    return _with_counts(rows) if table == CUSTOMER_DAY else rows


def _with_counts(rows: DataFrame) -> DataFrame:
    """Days that were written before a type of event was known have none of it."""
    known = (name for name in COUNTS.values() if name in rows.columns)
    new = {name: F.lit(0) for name in COUNTS.values() if name not in rows.columns}
    return rows.fillna(0, list(known)).withColumns(new)


def table_if_any(settings: Settings, table: str) -> DeltaTable | None:
    """Its log, or None where the table was never written."""
    try:
        return DeltaTable(table_url(settings, table))
    except TableNotFoundError:
        return None


def is_written_by_month(settings: Settings, table: str) -> bool:
    """Whether `customer_day` or `interactions` is there. An earlier version of the platform wrote a folder for each day: such a
    table is not there either, and the first night replaces it."""
    there = table_if_any(settings, table)
    return there is not None and there.metadata().partition_columns == [MONTH]


def read_customers(spark: SparkSession, settings: Settings, version: int) -> DataFrame:
    return _delta(spark).option("versionAsOf", version).load(table_url(settings, CUSTOMERS))


def count_customers(settings: Settings, version: int) -> int:
    """By what the log says of each file."""
    return int(DeltaTable(table_url(settings, CUSTOMERS), version=version).count())


def write_days(frame: DataFrame, settings: Settings, table: str, days: Collection[date]) -> None:
    """Put these days in the place of what was there; other days stay. The commit notes the days (see `days_changed`).

    A month is a folder. Each night adds a file to it, and `batch/hdfs/upkeep.py` makes one file of a month that is over, so that
    years of history are read from tens of files. Rows are sorted, so that a file tells by its statistics which days it has.
    """
    by_month = frame.withColumn(MONTH, F.trunc("day", "month")).repartition(MONTH).sortWithinPartitions("day", "customer_id")
    writer = by_month.write.format("delta").mode("overwrite").partitionBy(MONTH).option("userMetadata", _note_of_days(days))
    if is_written_by_month(settings, table):
        replaced = f"{any_of(MONTH, {day.replace(day=1) for day in days})} AND {any_of('day', days)}"
        # Columns may come, with a type of event that is counted.
        writer = writer.option("mergeSchema", "true").option("replaceWhere", replaced)
    else:
        writer = writer.option("overwriteSchema", "true").option("partitionOverwriteMode", "static")
    writer.save(table_url(settings, table))


def _note_of_days(days: Collection[date]) -> str:
    return json.dumps({DAYS_NOTE: sorted(map(str, days))})


def days_changed(table: DeltaTable, version: int) -> frozenset[date] | None:
    """The days that `write_days` has written after this version; None where the log does not tell."""
    changed: set[date] = set()
    since = [commit for commit in table.history(max(0, table.version() - version)) if commit["version"] > version]
    if len(since) != table.version() - version:
        return None
    for commit in since:
        note = json.loads(commit.get("userMetadata") or "{}")
        if DAYS_NOTE in note:
            changed.update(map(day_from_text, note[DAYS_NOTE]))
        elif commit["operation"] not in WITHOUT_CHANGES:
            return None
    return frozenset(changed)


def write_customers(frame: DataFrame, settings: Settings, said: str) -> int:
    """Put the whole table in the place of the old one, as a new version, which is the answer. Metrics may come and go. `said`
    stands in the commit."""
    url = table_url(settings, CUSTOMERS)
    writer = frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").option("userMetadata", said)
    # Of a table that is there already, the upkeep changes them.
    writer.options(**kept_for(settings.snapshot_days)).option("partitionOverwriteMode", "static").save(url)
    return int(DeltaTable(url).version())


def kept_for(days: int) -> dict[str, str]:
    """Delta's words for how long the versions of a table stay; else it forgets them after a month."""
    return dict.fromkeys(("delta.logRetentionDuration", "delta.deletedFileRetentionDuration"), f"interval {days} days")


def any_of(column: str, days: Collection[date]) -> str:
    dates = ", ".join(f"DATE '{day}'" for day in sorted(days))
    return f"{column} IN ({dates})"


def _delta(spark: SparkSession) -> DataFrameReader:
    return spark.read.format("delta")
