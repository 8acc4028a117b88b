"""The record of compactions on HDFS: one row per compaction and day of the events, with the files written and the copies dropped.

The rows are derived from the log of the events, so the next night adds the rows that a killed night did not write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import date, datetime

from pyspark.sql import SparkSession

from batch.hdfs.changes import EventFiles, list_event_files, read_commits
from batch.hdfs.tables import open_table
from cdp.lake.paths import COMPACTIONS, table_url
from cdp.lake.tables import COMPACTIONS_TABLE
from cdp.settings import Settings

#: Note in the commit of a compaction.
NOTE = "compaction"


@dataclass(frozen=True, slots=True)
class DayCompaction:
    """One day in one compaction."""

    table_id: str
    version: int
    day: date
    at: datetime
    files_before: int
    files_after: int
    dropped: int
    paths: tuple[str, ...]  # of the files it wrote


@dataclass(frozen=True, slots=True)
class CompactionRecord:
    """The compactions recorded so far for this table of events: the last version, and the files written per day."""

    version: int = -1
    paths: Mapping[date, frozenset[str]] = field(default_factory=dict)


def read_compactions(settings: Settings, table_id: str) -> CompactionRecord:
    table = open_table(settings, COMPACTIONS)
    rows = table.to_pyarrow_table().to_pylist() if table else []
    compactions = sorted((row for row in rows if row["table_id"] == table_id), key=lambda row: row["version"])
    if not compactions:
        return CompactionRecord()
    return CompactionRecord(compactions[-1]["version"], {row["day"]: frozenset(row["paths"]) for row in compactions})


def record_compactions(
    spark: SparkSession, settings: Settings, record: CompactionRecord, now: EventFiles, at: datetime
) -> list[DayCompaction]:
    """Add the compactions that are not recorded yet."""
    commits = [commit for commit in read_commits(settings, record.version, now.version) if commit.note == NOTE]
    compactions = [compaction for commit in commits for compaction in _compare_versions(settings, commit.version, at)]
    if compactions:
        frame = spark.createDataFrame([astuple(compaction) for compaction in compactions], COMPACTIONS_TABLE.ddl).coalesce(1)
        frame.write.format("delta").mode("append").save(table_url(settings, COMPACTIONS))
    return compactions


def _compare_versions(settings: Settings, version: int, at: datetime) -> list[DayCompaction]:
    """Compare the version of the commit with the one before it."""
    before, after = list_event_files(settings, version - 1), list_event_files(settings, version)
    return [
        DayCompaction(
            table_id=after.table_id,
            version=version,
            day=day,
            at=at,
            files_before=len(before.list_paths(day) - after.list_paths(day)),
            files_after=len(after.list_paths(day) - before.list_paths(day)),
            dropped=before.count_rows(day) - after.count_rows(day),
            # Without files that the stream appended meanwhile: those wait for the next compaction.
            paths=tuple(sorted(after.list_paths(day) - before.list_paths(day))),
        )
        for day in sorted(after.days)
        if before.list_paths(day) != after.list_paths(day)
    ]
