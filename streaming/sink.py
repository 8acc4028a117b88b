"""Writes one batch of messages into the three tables, so that a batch that is written again changes nothing.

Each write carries the stream's id and the batch's number into Delta's own log (txnAppId, txnVersion). A crash between two
tables is healed by the replay: what is there already is passed over, what is missing is written. The id comes from the
checkpoint: a stream with a new one is another stream, and its batch 0 is not taken for that of the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from cdp.paths import table_url
from cdp.settings import Settings
from streaming.parse import good, parse, refused
from streaming.tables import EVENTS_TABLE, LEDGER_TABLE, QUARANTINE_TABLE, Table


@dataclass(frozen=True, slots=True)
class Counts:
    """received = good + quarantined, always."""

    received: int = 0
    good: int = 0
    quarantined: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.received + other.received, self.good + other.good, self.quarantined + other.quarantined)

    def __str__(self) -> str:
        return f"received {self.received:,}, good {self.good:,}, quarantined {self.quarantined:,}"


@dataclass(slots=True)
class Sink:
    """What foreachBatch calls. Remembers how much went through, and the error that ended the stream."""

    settings: Settings
    say: Callable[[str], None]
    counts: Counts = field(default_factory=Counts)
    error: Exception | None = None

    def __call__(self, messages: DataFrame, batch_id: int) -> None:
        stream = messages.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
        assert stream is not None, "a batch comes from a stream"
        try:
            written = write_batch(self.settings, messages, stream, batch_id)
        except Exception as error:
            # What the JVM makes of it is a page long.
            self.error = error
            raise
        self.counts += written
        self.say(f"batch {batch_id}: {written}")


def write_batch(settings: Settings, messages: DataFrame, stream: str, batch_id: int) -> Counts:
    parsed = parse(messages).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        hours = ledger(parsed).collect()  # a row an hour
        counts = sum((Counts(row.received, row.good, row.quarantined) for row in hours), Counts())
        rows = [(stream, batch_id, *row) for row in hours]
        book = messages.sparkSession.createDataFrame(rows, LEDGER_TABLE.columns)
        for frame, table, count in (
            (refused(parsed), QUARANTINE_TABLE, counts.quarantined),
            # One file a day and batch, not one a day, batch and task.
            (good(parsed).repartition("event_day"), EVENTS_TABLE, counts.good),
            (book.coalesce(1), LEDGER_TABLE, counts.received),
        ):
            if count:
                _append(frame, settings, table, stream, batch_id)
    finally:
        parsed.unpersist()
    return counts


def ledger(parsed: DataFrame) -> DataFrame:
    is_refused = F.col("refusal").isNotNull()
    return parsed.groupBy(F.date_trunc("hour", "received_at").alias("hour")).agg(
        F.count("*").alias("received"), _count(~is_refused).alias("good"), _count(is_refused).alias("quarantined")
    )


def _count(condition: Column) -> Column:
    return F.count_if(condition)


def _append(frame: DataFrame, settings: Settings, table: Table, stream: str, batch_id: int) -> None:
    writer = frame.write.format("delta").mode("append").option("txnAppId", stream).option("txnVersion", batch_id)
    writer.save(table_url(settings, table.name))
