"""Upkeep of the tables on HDFS: small files of tables that only grow are gathered, and what was replaced is deleted in its time.

Compaction of the events is another thing (batch/hdfs/compact.py): it sorts them and leaves copies out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath

from delta.tables import DeltaTable as SparkDeltaTable
from pyspark.sql import SparkSession

from batch.hdfs.changes import files_by_day
from batch.hdfs.tables import MONTH, any_of, kept_for, table_if_any, vacuum
from cdp.paths import COMPACTIONS, CUSTOMER_DAY, CUSTOMERS, EVENTS, INTERACTIONS, QUARANTINE, table_url
from cdp.settings import Settings

#: A table without days gets a file a night; more than these are made one.
MANY = 8
#: Few events come later than this after their month.
QUIET = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the upkeep of one night came to."""

    gathered: int  # files that were made fewer
    deleted: int

    def __str__(self) -> str:
        return f"{self.gathered:,} small files gathered, {self.deleted:,} replaced ones deleted"


def upkeep(spark: SparkSession, settings: Settings, today: date) -> Kept:
    gathered = _gather_quarantine(spark, settings, today) + _gather_compactions(spark, settings)
    gathered += sum(_gather_months(spark, settings, table) for table in (CUSTOMER_DAY, INTERACTIONS))
    _keep_snapshots(spark, settings)
    return Kept(gathered, sum(_delete_replaced(spark, settings, table, hours) for table, hours in hours_kept(settings).items()))


def hours_kept(settings: Settings) -> Mapping[str, int]:
    """How long a file stays that no longer belongs to the newest version. A snapshot of the customers is a version, and any
    day that was published can be read again."""
    replaced = dict.fromkeys((EVENTS, QUARANTINE, CUSTOMER_DAY, INTERACTIONS, COMPACTIONS), settings.vacuum_hours)
    return replaced | {CUSTOMERS: max(settings.snapshot_days * 24, settings.vacuum_hours)}


def _gather_quarantine(spark: SparkSession, settings: Settings, today: date) -> int:
    """The days that are over; to today's the stream still adds."""
    table = table_if_any(settings, QUARANTINE)
    days = files_by_day(table, "received_day", "path") if table else {}
    many = {day: len(files) for day, files in days.items() if day < today and len(files) > 1}
    if many:
        _spark_table(spark, settings, QUARANTINE).optimize().where(any_of("received_day", many)).executeCompaction()
    return sum(many.values())


def _gather_months(spark: SparkSession, settings: Settings, name: str) -> int:
    """Gather months that have been over for a week. A late event rewrites its whole month, and few events are that late."""
    table = table_if_any(settings, name)
    files = files_by_day(table, MONTH, "path", "max.day") if table else {}
    newest = max((day for found in files.values() for _, day in found), default=date.min)
    over = {month: len(found) for month, found in files.items() if len(found) > 1 and _end_of(month) + QUIET <= newest}
    if over:
        _spark_table(spark, settings, name).optimize().where(any_of(MONTH, over)).executeCompaction()
    return sum(over.values())


def _end_of(month: date) -> date:
    """The first day of the next one."""
    return (month + timedelta(days=31)).replace(day=1)


def _gather_compactions(spark: SparkSession, settings: Settings) -> int:
    table = table_if_any(settings, COMPACTIONS)
    files = len(table.file_uris()) if table else 0
    if files <= MANY:
        return 0
    _spark_table(spark, settings, COMPACTIONS).optimize().executeCompaction()
    return files


def _keep_snapshots(spark: SparkSession, settings: Settings) -> None:
    """Of a table from before there was a setting, or where it is another now."""
    table, properties = table_if_any(settings, CUSTOMERS), kept_for(settings.snapshot_days)
    if table and not properties.items() <= table.metadata().configuration.items():
        said = ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
        spark.sql(f"ALTER TABLE delta.`{table_url(settings, CUSTOMERS)}` SET TBLPROPERTIES ({said})")


def _delete_replaced(spark: SparkSession, settings: Settings, name: str, hours: int) -> int:
    """How many. Delta's own vacuum takes seconds also where there is nothing; whether there is, a listing says."""
    table = table_if_any(settings, name)
    lying = table.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True) if table else []
    replaced = [path for path in lying if not PurePosixPath(path).name.startswith(".")]  # checksums of a local disk
    if replaced:
        vacuum(spark, settings, name, hours)
    return len(replaced)


def _spark_table(spark: SparkSession, settings: Settings, name: str) -> SparkDeltaTable:
    return SparkDeltaTable.forPath(spark, table_url(settings, name))
