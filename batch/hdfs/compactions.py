"""The book of compactions on HDFS: a row a compaction and day of the events, with the files it left and the copies it dropped.

The rows come from the log of the events: what a night that was killed did not write down, the next one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import date, datetime

from pyspark.sql import SparkSession

from batch.hdfs.changes import EventFiles, commits, event_files
from batch.hdfs.tables import table_if_any
from cdp.paths import COMPACTIONS, table_url
from cdp.settings import Settings

#: What the commit of a compaction says of itself.
MARK = "compaction"
COLUMNS = """
    table_id string, version bigint, day date, at timestamp,
    files_before int, files_after int, dropped bigint, paths array<string>
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One day in one compaction."""

    table_id: str
    version: int
    day: date
    at: datetime
    files_before: int
    files_after: int
    dropped: int
    paths: tuple[str, ...]  # the files it left


@dataclass(frozen=True, slots=True)
class Book:
    """What was compacted so far of this table of events."""

    version: int = -1
    paths: Mapping[date, frozenset[str]] = field(default_factory=dict)


def read_book(settings: Settings, table_id: str) -> Book:
    table = table_if_any(settings, COMPACTIONS)
    rows = table.to_pyarrow_table().to_pylist() if table else []
    entries = sorted((row for row in rows if row["table_id"] == table_id), key=lambda row: row["version"])
    if not entries:
        return Book()
    return Book(entries[-1]["version"], {row["day"]: frozenset(row["paths"]) for row in entries})


def write_down(spark: SparkSession, settings: Settings, book: Book, now: EventFiles, at: datetime) -> list[Entry]:
    """The compactions that are not in the book yet."""
    marked = [commit for commit in commits(settings, book.version, now.version) if commit.said == MARK]
    entries = [entry for commit in marked for entry in _entries(settings, commit.version, at)]
    if entries:
        frame = spark.createDataFrame([astuple(entry) for entry in entries], COLUMNS).coalesce(1)
        frame.write.format("delta").mode("append").save(table_url(settings, COMPACTIONS))
    return entries


def _entries(settings: Settings, version: int, at: datetime) -> list[Entry]:
    """What a commit did is the difference between two versions."""
    before, after = event_files(settings, version - 1), event_files(settings, version)
    return [
        Entry(
            table_id=after.table_id,
            version=version,
            day=day,
            at=at,
            files_before=len(before.paths(day) - after.paths(day)),
            files_after=len(after.paths(day) - before.paths(day)),
            dropped=before.rows(day) - after.rows(day),
            # Not what the stream put beside them meanwhile: that waits for the next compaction.
            paths=tuple(sorted(after.paths(day) - before.paths(day))),
        )
        for day in sorted(after.days)
        if before.paths(day) != after.paths(day)
    ]
