"""The rows of quarantine that a replay handles: waiting rows, rows that it claims, and rows that became events.

A row waits, then one replay claims it, then it is marked as replayed. Nothing is deleted; payload and reason never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import and_

from delta.exceptions import ConcurrentAppendException
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from cdp.lake.paths import EVENTS, QUARANTINE, table_url
from cdp.lake.tables import REPLAY_COLUMNS
from cdp.settings import Settings

#: The key of a message: its place in Kafka, and when it was received, because a recreated Kafka counts from 0 again. A stream
#: that lost its checkpoint writes a message twice; both rows have the same key and are replayed as one.
KEY = ("kafka_topic", "kafka_partition", "kafka_offset", "received_at", "received_day")
ATTEMPTS, LONGEST_PAUSE = 10, 3.0
#: Runs a step again if another program has appended rows meanwhile, as the stream does all the time. The pauses differ, so that
#: the attempts don't keep step with the stream's batches.
retry_on_append = Retrying(
    retry=retry_if_exception_type(ConcurrentAppendException),
    stop=stop_after_attempt(ATTEMPTS),
    wait=wait_random(0, LONGEST_PAUSE),
    reraise=True,
)

WAITS = "replay_id IS NULL AND replayed_at IS NULL"
CLAIMED = "replay_id IS NOT NULL AND replayed_at IS NULL"


class QuarantineMissing(RuntimeError):
    """The quarantine table does not exist."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects waiting rows. An empty field selects everything."""

    reasons: Sequence[str] = ()
    fields: Sequence[str] = ()
    first: date | None = None
    last: date | None = None

    @property
    def condition(self) -> Column:
        condition = F.lit(True)
        for name, words in (("reason", self.reasons), ("field", self.fields)):
            condition = condition & F.col(name).isin(*words) if words else condition
        condition = condition & (F.col("received_day") >= F.lit(self.first)) if self.first else condition
        return condition & (F.col("received_day") <= F.lit(self.last)) if self.last else condition


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows that belong to one replay: its id, its repair as options, and the days on which the rows were received."""

    replay_id: str
    repair_text: str
    first: date
    last: date

    @property
    def rows(self) -> Column:
        days = F.col("received_day").between(F.lit(self.first), F.lit(self.last))
        return days & F.expr(CLAIMED) & (F.col("replay_id") == self.replay_id)


def read_quarantine(spark: SparkSession, settings: Settings) -> DataFrame:
    """All rows. A table older than the replay lacks its columns; here they are null."""
    url = table_url(settings, QUARANTINE)
    if not DeltaTable.isDeltaTable(spark, url):
        raise QuarantineMissing(f"There is no quarantine at {url} yet; the stream creates it: ./run stream")
    rows = spark.read.format("delta").load(url)
    missing = {name: F.lit(None).cast(kind) for name, kind in REPLAY_COLUMNS.items() if name not in rows.columns}
    return rows.withColumns(missing) if missing else rows


def restore_messages(rows: DataFrame) -> DataFrame:
    """The rows as the messages that Kafka delivered, each once."""
    return rows.dropDuplicates([*KEY]).select(
        F.col("payload").alias("value"),
        F.col("kafka_topic").alias("topic"),
        F.col("kafka_partition").alias("partition"),
        F.col("kafka_offset").alias("offset"),
        F.col("received_at").alias("timestamp"),
    )


def read_unfinished_claims(spark: SparkSession, settings: Settings) -> list[Claim]:
    """Claims of replays that did not finish."""
    days = (F.min("received_day").alias("first"), F.max("received_day").alias("last"))
    claims = read_quarantine(spark, settings).where(CLAIMED).groupBy("replay_id", "replayed_how").agg(*days)
    return [Claim(row.replay_id, row.replayed_how, row.first, row.last) for row in claims.orderBy("replay_id").collect()]


def claim_rows(spark: SparkSession, settings: Settings, keys: DataFrame, claim: Claim) -> int:
    """Claim waiting rows and return their number. Rows that another replay has claimed meanwhile remain with it."""
    values = {"replay_id": F.lit(claim.replay_id), "replayed_how": F.lit(claim.repair_text)}
    return _change_rows(spark, settings, keys, claim, F.expr(WAITS), values)


def release_rows(spark: SparkSession, settings: Settings, keys: DataFrame, claim: Claim) -> None:
    """Make rows of the claim wait again, because they became no event."""
    nothing = F.lit(None).cast("string")
    of_claim = F.expr(CLAIMED) & (F.col("replay_id") == claim.replay_id)
    _change_rows(spark, settings, keys, claim, of_claim, {"replay_id": nothing, "replayed_how": nothing})


def mark_replayed(spark: SparkSession, settings: Settings, claim: Claim, now: datetime) -> None:
    """Mark all rows of the claim as replayed."""
    retry_on_append(lambda: _open_table(spark, settings).update(claim.rows, {"replayed_at": F.lit(now)}))


def select_without_event(spark: SparkSession, settings: Settings, keys: DataFrame) -> DataFrame:
    """The messages that are not among the events."""
    (span,) = keys.agg(F.min("received_at").alias("first"), F.max("received_at").alias("last")).collect()
    events = spark.read.format("delta").load(table_url(settings, EVENTS))
    return keys.join(events.where(F.col("received_at").between(span.first, span.last)), [*KEY[:4]], "left_anti")


def _change_rows(
    spark: SparkSession, settings: Settings, keys: DataFrame, within: Claim, which: Column, values: dict[str, Column]
) -> int:
    # With the days as literals, files of other days are neither read nor written, and changes to them cause no conflict.
    days = F.col("row.received_day").between(F.lit(within.first), F.lit(within.last))
    same = reduce(and_, (F.col(f"row.{name}") == F.col(f"key.{name}") for name in KEY))
    source = keys.select(*KEY).distinct().alias("key")

    def merge_once() -> int:
        merge = _open_table(spark, settings).alias("row").merge(source, days & same & which)
        (result,) = merge.whenMatchedUpdate(set={**values}).execute().collect()
        return int(result.num_updated_rows)

    return retry_on_append(merge_once)


def _open_table(spark: SparkSession, settings: Settings) -> DeltaTable:
    return DeltaTable.forPath(spark, table_url(settings, QUARANTINE))
