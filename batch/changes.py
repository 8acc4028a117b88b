"""What the Delta log of the events says: the version now, the days there are, and when each last grew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.plan import ALWAYS
from cdp.days import day_from_text
from cdp.paths import EVENTS, table_url
from cdp.settings import Settings

_ACTIONS = "add struct<partitionValues: map<string, string>, dataChange: boolean>"
_COMMIT = r"^\d{20}\.json$"
MOST_DAYS = 10_000


class NoEvents(RuntimeError):
    """There is nothing to make a night of."""


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


def changed_after(spark: SparkSession, settings: Settings, now: EventsNow, version: int) -> Mapping[date, int]:
    """Day -> the last version, after `version`, that added events of it.

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


def _commits(spark: SparkSession, log: str, after: int, up_to: int) -> DataFrame:
    name = F.col("_metadata.file_name")
    # Names are versions with leading zeros, so that they compare as text and files are passed over unread.
    wanted = (name > f"{after:020}.json") & (name <= f"{up_to:020}.json")
    actions = spark.read.schema(_ACTIONS).option("pathGlobFilter", "*.json").json(log).where(wanted & name.rlike(_COMMIT))
    return actions.select(F.left(name, F.lit(20)).cast("bigint").alias("version"), "add")


def _last_versions(commits: DataFrame) -> DataFrame:
    """Compaction writes files anew without changing what they say; `dataChange` tells it apart."""
    added = commits.where("add.dataChange")
    return added.groupBy(F.col("add.partitionValues")["event_day"].alias("day")).agg(F.max("version").alias("version"))
