"""The rows of quarantine that a replay takes: those that wait, those that it claims, and those that became events.

A row waits, is claimed by one replay, and is replayed. Nothing is deleted, and payload and reason stay as they came.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import and_
from typing import TypeVar

from delta.exceptions import ConcurrentAppendException
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.paths import EVENTS, QUARANTINE, table_url
from cdp.settings import Settings
from streaming.tables import REPLAY_COLUMNS

#: A message: its place in Kafka, and when it came, for a Kafka that was made anew counts from 0 again. A stream that lost its
#: checkpoint has written a message twice; the two have the same key, and are replayed as one.
KEY = ("kafka_topic", "kafka_partition", "kafka_offset", "received_at", "received_day")
T = TypeVar("T")
ATTEMPTS, PAUSE_SECONDS = 5, 1.0

WAITS = "replay_id IS NULL AND replayed_at IS NULL"
CLAIMED = "replay_id IS NOT NULL AND replayed_at IS NULL"


class NoQuarantine(RuntimeError):
    """There is no table to take messages from."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the waiting rows are meant; what is empty leaves nothing out."""

    reasons: Sequence[str] = ()
    fields: Sequence[str] = ()
    first: date | None = None
    last: date | None = None

    @property
    def condition(self) -> Column:
        wanted = F.lit(True)
        for name, words in (("reason", self.reasons), ("field", self.fields)):
            wanted = wanted & F.col(name).isin(*words) if words else wanted
        wanted = wanted & (F.col("received_day") >= F.lit(self.first)) if self.first else wanted
        return wanted & (F.col("received_day") <= F.lit(self.last)) if self.last else wanted


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows that belong to one replay, the repair they were claimed with, and the days in which they were received."""

    replay_id: str
    told: str
    first: date
    last: date

    @property
    def rows(self) -> Column:
        days = F.col("received_day").between(F.lit(self.first), F.lit(self.last))
        return days & F.expr(CLAIMED) & (F.col("replay_id") == self.replay_id)


def quarantine(spark: SparkSession, settings: Settings) -> DataFrame:
    """Every row. A table of before there was a replay has no columns of it; in its rows they are null."""
    url = table_url(settings, QUARANTINE)
    if not DeltaTable.isDeltaTable(spark, url):
        raise NoQuarantine(f"There is no quarantine at {url} yet; the stream makes it: ./run stream")
    rows = spark.read.format("delta").load(url)
    lacking = {name: F.lit(None).cast(kind) for name, kind in REPLAY_COLUMNS.items() if name not in rows.columns}
    return rows.withColumns(lacking) if lacking else rows


def messages(rows: DataFrame) -> DataFrame:
    """The messages of rows as Kafka gave them then, each once."""
    return rows.dropDuplicates([*KEY]).select(
        F.col("payload").alias("value"),
        F.col("kafka_topic").alias("topic"),
        F.col("kafka_partition").alias("partition"),
        F.col("kafka_offset").alias("offset"),
        F.col("received_at").alias("timestamp"),
    )


def unfinished(spark: SparkSession, settings: Settings) -> list[Claim]:
    """Claims of replays that did not come to their end."""
    days = (F.min("received_day").alias("first"), F.max("received_day").alias("last"))
    found = quarantine(spark, settings).where(CLAIMED).groupBy("replay_id", "replayed_how").agg(*days)
    return [Claim(row.replay_id, row.replayed_how, row.first, row.last) for row in found.orderBy("replay_id").collect()]


def claim(spark: SparkSession, settings: Settings, keys: DataFrame, wanted: Claim) -> int:
    """Make waiting rows those of this replay: how many. Those that another one took meanwhile wait no longer, and stay its."""
    values = {"replay_id": F.lit(wanted.replay_id), "replayed_how": F.lit(wanted.told)}
    return _change_rows(spark, settings, keys, wanted, F.expr(WAITS), values)


def release(spark: SparkSession, settings: Settings, keys: DataFrame, held: Claim) -> None:
    """Let rows of the claim wait again that are no event after all."""
    nothing = F.lit(None).cast("string")
    mine = F.expr(CLAIMED) & (F.col("replay_id") == held.replay_id)
    _change_rows(spark, settings, keys, held, mine, {"replay_id": nothing, "replayed_how": nothing})


def mark(spark: SparkSession, settings: Settings, done: Claim, now: datetime) -> None:
    """All rows of the claim are events now."""
    patiently(lambda: _table(spark, settings).update(done.rows, {"replayed_at": F.lit(now)}))


def without_event(spark: SparkSession, settings: Settings, keys: DataFrame) -> DataFrame:
    """Those of the messages that are not among the events."""
    (span,) = keys.agg(F.min("received_at").alias("first"), F.max("received_at").alias("last")).collect()
    events = spark.read.format("delta").load(table_url(settings, EVENTS))
    return keys.join(events.where(F.col("received_at").between(span.first, span.last)), [*KEY[:4]], "left_anti")


def patiently(step: Callable[[], T]) -> T:
    """Do it again where another program has added rows meanwhile: the stream does so all the time."""
    for _ in range(ATTEMPTS - 1):
        try:
            return step()
        except ConcurrentAppendException:
            time.sleep(PAUSE_SECONDS)
    return step()


def _change_rows(
    spark: SparkSession, settings: Settings, keys: DataFrame, within: Claim, which: Column, values: dict[str, Column]
) -> int:
    # The days as literals, so that the files of other days are neither read nor written, and nobody's change of them counts.
    days = F.col("row.received_day").between(F.lit(within.first), F.lit(within.last))
    same = reduce(and_, (F.col(f"row.{name}") == F.col(f"key.{name}") for name in KEY))
    source = keys.select(*KEY).distinct().alias("key")

    def once() -> int:
        merge = _table(spark, settings).alias("row").merge(source, days & same & which)
        (done,) = merge.whenMatchedUpdate(set={**values}).execute().collect()
        return int(done.num_updated_rows)

    return patiently(once)


def _table(spark: SparkSession, settings: Settings) -> DeltaTable:
    return DeltaTable.forPath(spark, table_url(settings, QUARANTINE))
