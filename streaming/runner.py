"""One run of the stream: check that it can resume, run it, and turn a failure into a one-line error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cdp.settings import Settings
from cdp.spark import root_cause
from streaming.account import Counts
from streaming.book import Book, LedgerUnavailable, StreamAlreadyRunning
from streaming.checkpoint import Checkpoint, CheckpointUnreadable
from streaming.resume import REMEDY, CannotResume, StreamPosition, describe_lost, find_lost_ranges, require_resumable
from streaming.sink import Sink
from streaming.stream import start
from streaming.tables import ensure_tables
from streaming.topic import Topic, TopicUnavailable, topic_now


class StreamFailed(RuntimeError):
    """The query ended with an error that a retry may cure."""


@dataclass(slots=True)
class StreamRunner:
    """Runs the stream once, with everything that a run needs."""

    spark: SparkSession
    settings: Settings
    topic: str
    book: Book
    stop: threading.Event
    print_line: Callable[[str], None]

    def run(self, once: bool, from_earliest: bool) -> Counts:
        kafka_topic, checkpoint = topic_now(self.settings, self.topic), Checkpoint(self.spark, self.settings, self.topic)
        sink = Sink(self.settings, self.book, checkpoint, kafka_topic.id, self.print_line, self.stop)
        try:
            ensure_tables(self.spark, self.settings)
            if from_earliest:
                self._start_from_earliest(checkpoint, kafka_topic)
            else:
                self._require_resumable(checkpoint, kafka_topic)
            self._run_query(sink, once)
        except (Py4JError, PySparkException, OSError) as error:
            # On shutdown the JVM may receive the signal too and exit before us.
            if not self.stop.is_set():
                raise self._explain_failure(checkpoint, sink.error or error) from error
        return sink.counts

    def _run_query(self, sink: Sink, once: bool) -> None:
        query = start(self.spark, self.settings, self.topic, sink, once)
        self.print_line(f"reading {self.topic} from {self.settings.kafka_bootstrap}")
        while not query.awaitTermination(1):
            if self.stop.is_set() and not query.status["isTriggerActive"]:
                query.stop()

    def _require_resumable(self, checkpoint: Checkpoint, kafka_topic: Topic) -> None:
        try:
            position = self._read_position(checkpoint)
        except CheckpointUnreadable as error:
            raise CannotResume(f"the stream's checkpoint can't be read: {error}. {REMEDY}") from error
        # A new stream reads the whole topic, so a recreated topic is no problem for it.
        if position and (checkpoint.read_stream_id() or position.topic_id == kafka_topic.id):
            require_resumable(position, kafka_topic)

    def _read_position(self, checkpoint: Checkpoint) -> StreamPosition | None:
        """The checkpoint's position. Without a checkpoint, the ledger's: a new stream must not pass over a loss either."""
        stream = checkpoint.read_stream_id()
        in_ledger = self.book.read_position(self.topic, stream)
        if stream is None:
            return in_ledger
        return StreamPosition(in_ledger.topic_id if in_ledger else None, checkpoint.read_position())

    def _start_from_earliest(self, checkpoint: Checkpoint, kafka_topic: Topic) -> None:
        try:
            position = self._read_position(checkpoint)
        except CheckpointUnreadable:
            position = self.book.read_position(self.topic, None)
        if new_url := checkpoint.set_aside():
            self.print_line(f"moved the checkpoint to {new_url}; starting from the earliest messages that Kafka still has")
        if position and (lost := find_lost_ranges(position, kafka_topic)):
            self.print_line(f"lost before it was read: {describe_lost(lost)}")
        if position and position.topic_id not in (None, kafka_topic.id):
            ends = "; ".join(f"partition {number}, offset {offset:,}" for number, offset in sorted(position.offsets.items()))
            self.print_line(f"the previous topic of this name was read up to {ends}; its later messages are lost")

    def _explain_failure(self, checkpoint: Checkpoint, error: Exception) -> Exception:
        """The error to raise. The checks made before a start can also explain a failure during the run."""
        if isinstance(error, (LedgerUnavailable, StreamAlreadyRunning)):
            return error
        try:
            self._require_resumable(checkpoint, topic_now(self.settings, self.topic))
        except (CannotResume, TopicUnavailable) as explanation:
            return explanation
        except (Py4JError, OSError, LedgerUnavailable, StreamAlreadyRunning):
            pass  # the original error says more
        return StreamFailed(
            f"{root_cause(error)}; while reading Kafka at {self.settings.kafka_bootstrap} into {self.settings.hdfs_url}."
            " See ./run status; run the same command again to continue."
        )
