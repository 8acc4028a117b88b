"""The function of foreachBatch, for every query: it gives each batch its context and remembers what became of all batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame

from cdp.settings import Settings
from streaming.checkpoint import Checkpoint
from streaming.lock import LockedConnection
from streaming.messages import Counts, Topic
from streaming.query import BatchContext, Query


class StopRequested(Exception):
    """No new batch starts after a request to stop."""


@dataclass(slots=True)
class BatchHandler:
    """Remembers the counts of all batches, and the error that ended the stream."""

    settings: Settings
    query: Query
    connection: LockedConnection
    checkpoint: Checkpoint
    topics: Sequence[Topic]
    print_line: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)
    once: bool = False
    counts: Counts = field(default_factory=Counts)
    error: Exception | None = None

    def __call__(self, messages: DataFrame, batch_id: int) -> None:
        if self.stop.is_set():
            raise StopRequested
        stream = messages.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
        assert stream is not None, "a batch comes from a stream"
        try:
            counts = self.query.write_batch(messages, self._make_context(stream, batch_id))
        except Exception as error:
            # The JVM wraps the error in a page of text; the original is needed for a one-line message.
            self.error = error
            raise
        self.counts += counts
        self.print_line(f"batch {batch_id}: {counts}")

    def _make_context(self, stream: str, batch_id: int) -> BatchContext:
        started, plan = time.monotonic(), self.checkpoint.read_plan(batch_id)
        return BatchContext(
            self.settings, self.connection, stream, batch_id, self.topics, plan.ranges, started, self.once, plan.watermark
        )
