"""What the Delta log of the events says: the version now, the days there are, and when each last changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.plan import ALWAYS
from cdp.days import day_from_text
from cdp.paths import EVENTS, table_url
from cdp.settings import Settings

_FILE = "struct<partitionValues: map<string, string>, dataChange: boolean>"
_ACTIONS = f"add {_FILE}, remove {_FILE}, commitInfo struct<userMetadata: string>"
_COMMIT = r"^\d{20}\.json$"
MOST_DAYS = 10_000


class NoEvents(RuntimeError):
    """There is nothing to make a night of."""


@dataclass(frozen=True, slots=True)
class EventFile:
    path: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class EventFiles:
    """The files that are the events at one version, by day. A table that was made anew has another id."""

    table_id: str
    version: int
    days: Mapping[date, list[EventFile]]

    def rows(self, day: date) -> int:
        return sum(file.rows for file in self.days.get(day, []))

    def paths(self, day: date) -> frozenset[str]:
        return frozenset(file.path for file in self.days.get(day, []))


@dataclass(frozen=True, slots=True)
class EventsNow:
    """The events as a night sees them from its beginning to its end, whatever the stream adds meanwhile."""

    version: int
    days: frozenset[date]


def events_now(settings: Settings) -> EventsNow:
    url = table_url(settings, EVENTS)
    try:
        table = DeltaTable(url)
    except TableNotFoundError as error:
        raise NoEvents(f"there are no events at {url}; take them from Kafka first: ./run stream --once") from error
    return EventsNow(table.version(), frozenset(day_from_text(part["event_day"]) for part in table.partitions()))


def event_files(settings: Settings, version: int | None = None) -> EventFiles:
    """At this version, or now. It asks the log alone, and reads no file."""
    table = DeltaTable(table_url(settings, EVENTS), version=version)
    files = files_by_day(table, "event_day", "path", "size_bytes", "num_records")
    days = {day: [EventFile(*file) for file in found] for day, found in files.items()}
    return EventFiles(str(table.metadata().id), table.version(), days)


def files_by_day(table: DeltaTable, partition: str, *columns: str) -> dict[date, list[tuple[Any, ...]]]:
    """What the log says of each file of a table that has a partition a day."""
    actions = pa.table(table.get_add_actions(flatten=True)).select([f"partition.{partition}", *columns])
    days: dict[date, list[tuple[Any, ...]]] = {}
    for day, *file in zip(*actions.to_pydict().values(), strict=True):
        days.setdefault(day, []).append(tuple(file))
    return days


def changed_after(spark: SparkSession, settings: Settings, now: EventsNow, version: int) -> Mapping[date, int]:
    """Day -> the last version, after `version`, that added events of it or took some away.

    Where the log does not reach back that far (Delta keeps it for a month), or the table is another than it was, every
    day counts as changed: restating too much is only slow.
    """
    if version == now.version:
        return {}
    commits = _commits(spark, f"{table_url(settings, EVENTS)}/_delta_log", version, now.version).persist()
    try:
        seen = commits.select("version").distinct().count()
        if seen != now.version - version:
            return dict.fromkeys(now.days, ALWAYS)
        return {day_from_text(row.day): row.version for row in _last_versions(commits).limit(MOST_DAYS).collect()}
    finally:
        commits.unpersist()


def commits_that_say(spark: SparkSession, settings: Settings, what: str, after: int, up_to: int) -> list[int]:
    """The versions after one, up to another, whose writer noted this in its commit."""
    commits = _commits(spark, f"{table_url(settings, EVENTS)}/_delta_log", after, up_to)
    return sorted(row.version for row in commits.where(F.col("said") == what).collect())


def _commits(spark: SparkSession, log: str, after: int, up_to: int) -> DataFrame:
    name = F.col("_metadata.file_name")
    # Names are versions with leading zeros, so that they compare as text and files are passed over unread.
    wanted = (name > f"{after:020}.json") & (name <= f"{up_to:020}.json")
    actions = spark.read.schema(_ACTIONS).option("pathGlobFilter", "*.json").json(log).where(wanted & name.rlike(_COMMIT))
    version = F.left(name, F.lit(20)).cast("bigint").alias("version")
    return actions.select(version, F.coalesce("add", "remove").alias("file"), F.col("commitInfo.userMetadata").alias("said"))


def _last_versions(commits: DataFrame) -> DataFrame:
    """Compaction writes files anew without changing what they say; `dataChange` tells it apart."""
    changed = commits.where("file.dataChange")
    return changed.groupBy(F.col("file.partitionValues")["event_day"].alias("day")).agg(F.max("version").alias("version"))
