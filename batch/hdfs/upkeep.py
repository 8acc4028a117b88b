"""Upkeep of the tables on HDFS: merges small files, and deletes replaced files when their retention ends.

Compaction of the events is separate (batch/hdfs/compact.py): it also sorts them and drops copies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath

from delta.tables import DeltaTable as SparkDeltaTable
from pyspark.sql import SparkSession

from batch.hdfs.changes import group_files
from batch.hdfs.tables import MONTH, match_days, open_table, retention_properties, vacuum
from cdp.lake.paths import COMPACTIONS, CUSTOMER_DAY, CUSTOMERS, EVENTS, INTERACTIONS, QUARANTINE, table_url
from cdp.lake.shop import SHOP_LAKE_TABLES
from cdp.lake.tables import EXPOSURES_TABLE, QUARANTINE_TABLE, RECOMMEND_TABLES, LakeTable
from cdp.settings import Settings

#: A stream appends small files to the partition of the day.
APPENDED_TABLES = (QUARANTINE_TABLE, EXPOSURES_TABLE)
#: A publication names a version of each.
PUBLISHED_TABLES = (CUSTOMERS, INTERACTIONS)
#: An unpartitioned table gets one file per night. More files than this are merged into one.
MAX_FILES = 8
#: Few events arrive later than this after the end of their month.
QUIET = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class UpkeepReport:
    """The result of one night's upkeep, as numbers of files."""

    merged: int
    deleted: int

    def __str__(self) -> str:
        return f"{self.merged:,} small files merged, {self.deleted:,} replaced files deleted"


def run_upkeep(spark: SparkSession, settings: Settings, today: date) -> UpkeepReport:
    merged = _merge_compactions(spark, settings)
    merged += sum(_merge_days(spark, settings, table, today) for table in APPENDED_TABLES)
    merged += sum(_merge_months(spark, settings, table) for table in (CUSTOMER_DAY, INTERACTIONS))
    for table in PUBLISHED_TABLES:
        _set_retention(spark, settings, table)
    deleted = sum(_delete_replaced(spark, settings, table, hours) for table, hours in _retention_hours(settings).items())
    return UpkeepReport(merged, deleted)


def _retention_hours(settings: Settings) -> Mapping[str, int]:
    """How long a file stays after it was replaced. Versions that a publication names stay readable for longer."""
    shop = [table.name for table in SHOP_LAKE_TABLES.values()]
    recommend = [table.name for table in RECOMMEND_TABLES]
    replaced = dict.fromkeys((EVENTS, QUARANTINE, CUSTOMER_DAY, COMPACTIONS, *shop, *recommend), settings.vacuum_hours)
    return replaced | dict.fromkeys(PUBLISHED_TABLES, max(settings.snapshot_days * 24, settings.vacuum_hours))


def _merge_days(spark: SparkSession, settings: Settings, appended: LakeTable, today: date) -> int:
    """Merges past days only, because a stream still appends to today."""
    table, partition = open_table(settings, appended.name), appended.partition
    days = group_files(table, partition, "path") if table else {}
    many = {day: len(files) for day, files in days.items() if day < today and len(files) > 1}
    if many:
        _spark_table(spark, settings, appended.name).optimize().where(match_days(partition, many)).executeCompaction()
    return sum(many.values())


def _merge_months(spark: SparkSession, settings: Settings, name: str) -> int:
    """Merges months that ended at least a week before the newest day. A late event rewrites its whole month, and few events are
    that late."""
    table = open_table(settings, name)
    files = group_files(table, MONTH, "path", "max.day") if table else {}
    newest = max((day for month_files in files.values() for _, day in month_files), default=date.min)
    past = {
        month: len(month_files)
        for month, month_files in files.items()
        if len(month_files) > 1 and _next_month(month) + QUIET <= newest
    }
    if past:
        _spark_table(spark, settings, name).optimize().where(match_days(MONTH, past)).executeCompaction()
    return sum(past.values())


def _next_month(month: date) -> date:
    """Its first day."""
    return (month + timedelta(days=31)).replace(day=1)


def _merge_compactions(spark: SparkSession, settings: Settings) -> int:
    table = open_table(settings, COMPACTIONS)
    files = len(table.file_uris()) if table else 0
    if files <= MAX_FILES:
        return 0
    _spark_table(spark, settings, COMPACTIONS).optimize().executeCompaction()
    return files


def _set_retention(spark: SparkSession, settings: Settings, name: str) -> None:
    """Applies the setting to a table that was created without it, or before it changed."""
    table, properties = open_table(settings, name), retention_properties(settings.snapshot_days)
    if table and not properties.items() <= table.metadata().configuration.items():
        assignments = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
        spark.sql(f"ALTER TABLE delta.`{table_url(settings, name)}` SET TBLPROPERTIES ({assignments})")


def _delete_replaced(spark: SparkSession, settings: Settings, name: str, hours: int) -> int:
    """Returns the number of files. Vacuum takes seconds even when there is nothing to delete, so a listing is made first."""
    table = open_table(settings, name)
    unused = table.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True) if table else []
    replaced = [path for path in unused if not PurePosixPath(path).name.startswith(".")]  # checksums of a local disk
    if replaced:
        vacuum(spark, settings, name, hours)
    return len(replaced)


def _spark_table(spark: SparkSession, settings: Settings, name: str) -> SparkDeltaTable:
    return SparkDeltaTable.forPath(spark, table_url(settings, name))
