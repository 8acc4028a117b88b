"""One run of a stream: check that it can resume, run it, and turn a failure into a one-line error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cdp.settings import Settings
from cdp.spark import root_cause
from streaming.batches import BatchHandler
from streaming.checkpoint import Checkpoint, CheckpointUnreadable
from streaming.lock import LedgerUnavailable, LockedConnection, StreamAlreadyRunning
from streaming.messages import Counts, StreamPosition, Topic
from streaming.query import Query, start_query
from streaming.resume import CannotResume, describe_lost, describe_remedy, find_lost_ranges, is_recreated, require_resumable
from streaming.tables import ensure_tables
from streaming.topic import TopicUnavailable, read_topics


class StreamFailed(RuntimeError):
    """The query ended with an error that a retry may cure."""


@dataclass(slots=True)
class StreamRunner:
    """Runs the stream once, with everything that a run needs."""

    spark: SparkSession
    settings: Settings
    query: Query
    connection: LockedConnection
    stop: threading.Event
    print_line: Callable[[str], None]

    def run(self, once: bool, from_earliest: bool) -> Counts:
        topics, checkpoint = self._read_topics(), Checkpoint(self.spark, self.settings, self.query)
        handler = BatchHandler(self.settings, self.query, self.connection, checkpoint, topics, self.print_line, self.stop, once)
        try:
            ensure_tables(self.settings, self.query.tables)
            if from_earliest:
                self._start_from_earliest(checkpoint, topics)
            else:
                self._require_resumable(checkpoint, topics)
            self._run_query(handler, once)
        except (Py4JError, PySparkException, OSError) as error:
            # On shutdown the JVM may receive the signal too and exit before us.
            if not self.stop.is_set():
                raise self._explain_failure(checkpoint, handler.error or error) from error
        return handler.counts

    def _read_topics(self) -> list[Topic]:
        return read_topics(self.settings, self.query.topics)

    def _run_query(self, handler: BatchHandler, once: bool) -> None:
        query = start_query(self.spark, self.settings, self.query, handler, once)
        self.print_line(f"reading {', '.join(self.query.topics)} from {self.settings.kafka_bootstrap}")
        while not query.awaitTermination(1):
            if self.stop.is_set() and not query.status["isTriggerActive"]:
                query.stop()

    def _require_resumable(self, checkpoint: Checkpoint, topics: Sequence[Topic]) -> None:
        try:
            position = self._read_position(checkpoint)
        except CheckpointUnreadable as error:
            remedy = describe_remedy(self.query.name)
            raise CannotResume(f"the stream's checkpoint can't be read: {error}. {remedy}") from error
        if position is None:
            return
        if checkpoint.read_stream_id() is None:
            # A new stream reads whole topics, so a recreated topic is no problem for it.
            topics = [topic for topic in topics if not is_recreated(position, topic)]
        require_resumable(position, topics, self.query.name)

    def _read_position(self, checkpoint: Checkpoint) -> StreamPosition | None:
        """The checkpoint's position. Without a checkpoint, the recorded one: a new stream must not pass over a loss either."""
        stream = checkpoint.read_stream_id()
        recorded = self._read_recorded(stream)
        if stream is None:
            return recorded
        return StreamPosition(recorded.topic_ids if recorded else {}, checkpoint.read_position())

    def _read_recorded(self, stream: str | None) -> StreamPosition | None:
        return self.query.read_position(self.connection, self.query.topics, stream)

    def _start_from_earliest(self, checkpoint: Checkpoint, topics: Sequence[Topic]) -> None:
        try:
            position = self._read_position(checkpoint)
        except CheckpointUnreadable:
            position = self._read_recorded(None)
        if new_url := checkpoint.set_aside():
            self.print_line(f"moved the checkpoint to {new_url}; starting from the earliest messages that Kafka still has")
        if position:
            for topic in topics:
                self._print_lost(position, topic)

    def _print_lost(self, position: StreamPosition, topic: Topic) -> None:
        of_topic = f" in {topic.name}" if len(self.query.topics) > 1 else ""
        if lost := find_lost_ranges(position, topic):
            self.print_line(f"lost before it was read{of_topic}: {describe_lost(lost)}")
        if is_recreated(position, topic):
            offsets = position.in_topic(topic.name)
            ends = "; ".join(f"partition {number}, offset {offset:,}" for number, offset in offsets.items())
            which = topic.name if of_topic else "of this name"
            self.print_line(f"the previous topic {which} was read up to {ends}; its later messages are lost")

    def _explain_failure(self, checkpoint: Checkpoint, error: Exception) -> Exception:
        """The error to raise. The checks made before a start can also explain a failure during the run."""
        if isinstance(error, (LedgerUnavailable, StreamAlreadyRunning, CannotResume, TopicUnavailable)):
            return error
        try:
            self._require_resumable(checkpoint, self._read_topics())
        except (CannotResume, TopicUnavailable) as explanation:
            return explanation
        except (Py4JError, OSError, LedgerUnavailable, StreamAlreadyRunning):
            pass  # the original error says more
        return StreamFailed(
            f"{root_cause(error)}; while reading Kafka at {self.settings.kafka_bootstrap} into {self.settings.hdfs_url}."
            " See ./run status; run the same command again to continue."
        )
