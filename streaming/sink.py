"""Writes one batch of messages: quarantine, then events, then the ledger. Writing a batch twice changes nothing.

Each write of a table records the stream's id and the batch's number in Delta's own log (txnAppId, txnVersion); they are also
the key of the ledger. After a crash between two writes, Spark delivers the batch again: writes that happened are skipped, the
missing ones are made. Spark commits the batch last, so every committed batch is in the ledger. The stream's id comes from the
checkpoint: a stream with a new checkpoint is another stream, and its batch 0 is not mistaken for the old batch 0.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame
from pyspark.storagelevel import StorageLevel

from cdp.events.fields import BOUNDS
from cdp.lake.paths import table_url
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, LakeTable
from cdp.settings import Settings
from streaming.account import Account, Counts, Group, add_up, group_messages
from streaming.book import Book
from streaming.checkpoint import Checkpoint
from streaming.ledger.rows import Batch, PartitionRead
from streaming.parse import good, parse, refused


class StopRequested(Exception):
    """No new batch starts after a request to stop."""


@dataclass(slots=True)
class Sink:
    """The function of foreachBatch. Remembers the counts of all batches, and the error that ended the stream."""

    settings: Settings
    book: Book
    checkpoint: Checkpoint
    topic_id: str
    print_line: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)
    counts: Counts = field(default_factory=Counts)
    error: Exception | None = None

    def __call__(self, messages: DataFrame, batch_id: int) -> None:
        if self.stop.is_set():
            raise StopRequested
        stream = messages.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
        assert stream is not None, "a batch comes from a stream"
        try:
            account = self._write(messages, stream, batch_id)
        except Exception as error:
            # The JVM wraps the error in a page of text; the original is needed for a one-line message.
            self.error = error
            raise
        self.counts += account.counts
        self.print_line(f"batch {batch_id}: {account.counts}")

    def _write(self, messages: DataFrame, stream: str, batch_id: int) -> Account:
        started = time.monotonic()
        ranges = self.checkpoint.read_ranges(batch_id)
        account = write_batch(self.settings, messages, stream, batch_id)
        reads = {partition: PartitionRead(offsets, account.count_in(partition)) for partition, offsets in ranges.items()}
        milliseconds = round((time.monotonic() - started) * 1000)
        self.book.write(Batch(stream, batch_id, self.checkpoint.topic, self.topic_id, reads, milliseconds), account)
        return account


def write_batch(settings: Settings, messages: DataFrame, stream: str, batch_id: int) -> Account:
    """Write a batch into the two tables. The ledger comes afterwards."""
    parsed = parse(messages, replace(BOUNDS, currency=settings.currency)).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        groups = group_messages(parsed).collect()  # few rows: one per hour, partition and reason
        account = add_up(Group(**row.asDict()) for row in groups)
        for frame, table, count in (
            # One file per day and batch, not one per day, batch and task.
            (refused(parsed).coalesce(1), QUARANTINE_TABLE, account.counts.quarantined),
            (good(parsed).repartition("event_day"), EVENTS_TABLE, account.counts.good),
        ):
            if count:
                _append(frame, settings, table, stream, batch_id)
    finally:
        parsed.unpersist()
    return account


def _append(frame: DataFrame, settings: Settings, table: LakeTable, stream: str, batch_id: int) -> None:
    writer = frame.write.format("delta").mode("append").option("txnAppId", stream).option("txnVersion", batch_id)
    writer.save(table_url(settings, table.name))
