"""Writes one batch of messages: quarantine, events, and last the ledger, so that a batch that is written again changes nothing.

Each write of a table carries the stream's id and the batch's number into Delta's own log (txnAppId, txnVersion); the ledger
has them as its key. A crash between two writes is healed by the replay: what is there already is passed over, what is missing
is written. Spark commits the batch after all that, so a batch that is committed stands in the ledger. The id comes from the
checkpoint: a stream with a new one is another stream, and its batch 0 is not taken for that of the old one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame
from pyspark.storagelevel import StorageLevel

from cdp.events.fields import BOUNDS
from cdp.paths import table_url
from cdp.settings import Settings
from streaming.account import Account, Counts, Group, account, grouped
from streaming.book import Book
from streaming.checkpoint import Checkpoint
from streaming.ledger.rows import Batch, Taken
from streaming.parse import good, parse, refused
from streaming.tables import EVENTS_TABLE, QUARANTINE_TABLE, Table


class StopAsked(Exception):
    """No batch is begun any more."""


@dataclass(slots=True)
class Sink:
    """What foreachBatch calls. Remembers how much went through, and the error that ended the stream."""

    settings: Settings
    book: Book
    checkpoint: Checkpoint
    topic_id: str
    say: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)
    counts: Counts = field(default_factory=Counts)
    error: Exception | None = None

    def __call__(self, messages: DataFrame, batch_id: int) -> None:
        if self.stop.is_set():
            raise StopAsked
        stream = messages.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
        assert stream is not None, "a batch comes from a stream"
        try:
            written = self._write(messages, stream, batch_id)
        except Exception as error:
            # What the JVM makes of it is a page long.
            self.error = error
            raise
        self.counts += written.counts
        self.say(f"batch {batch_id}: {written.counts}")

    def _write(self, messages: DataFrame, stream: str, batch_id: int) -> Account:
        begun = time.monotonic()
        spans = self.checkpoint.spans_of(batch_id)
        written = write_batch(self.settings, messages, stream, batch_id)
        taken = {partition: Taken(span, written.in_partition(partition)) for partition, span in spans.items()}
        milliseconds = round((time.monotonic() - begun) * 1000)
        self.book.write(Batch(stream, batch_id, self.checkpoint.topic, self.topic_id, taken, milliseconds), written)
        return written


def write_batch(settings: Settings, messages: DataFrame, stream: str, batch_id: int) -> Account:
    """Into the tables; the ledger comes after them."""
    parsed = parse(messages, replace(BOUNDS, currency=settings.currency)).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        found = account(Group(**row.asDict()) for row in grouped(parsed).collect())  # a row an hour, partition and reason
        for frame, table, count in (
            # One file a day and batch, not one a day, batch and task.
            (refused(parsed).coalesce(1), QUARANTINE_TABLE, found.counts.quarantined),
            (good(parsed).repartition("event_day"), EVENTS_TABLE, found.counts.good),
        ):
            if count:
                _append(frame, settings, table, stream, batch_id)
    finally:
        parsed.unpersist()
    return found


def _append(frame: DataFrame, settings: Settings, table: Table, stream: str, batch_id: int) -> None:
    writer = frame.write.format("delta").mode("append").option("txnAppId", stream).option("txnVersion", batch_id)
    writer.save(table_url(settings, table.name))
