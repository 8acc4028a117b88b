"""One run of the stream: whether it can go on where it is, the run, and the one line that is said when it fails."""

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
from streaming.book import Book, LedgerAway, StreamRuns
from streaming.checkpoint import Checkpoint, Unreadable
from streaming.sink import Sink
from streaming.standing import REMEDY, Position, Stuck, lost_before, require_standing, told
from streaming.stream import start
from streaming.tables import ensure_tables
from streaming.topic import Topic, TopicAway, topic_now


class StreamFailed(RuntimeError):
    """It ended by itself where it should have gone on."""


@dataclass(slots=True)
class Carrier:
    """All that a run of the stream needs."""

    spark: SparkSession
    settings: Settings
    topic: str
    book: Book
    stop: threading.Event
    say: Callable[[str], None]

    def carry(self, once: bool, anew: bool) -> Counts:
        now, checkpoint = topic_now(self.settings, self.topic), Checkpoint(self.spark, self.settings, self.topic)
        sink = Sink(self.settings, self.book, checkpoint, now.id, self.say, self.stop)
        try:
            ensure_tables(self.spark, self.settings)
            if anew:
                self._begin_anew(checkpoint, now)
            else:
                self._require_standing(checkpoint, now)
            self._take(sink, once)
        except (Py4JError, PySparkException, OSError) as error:
            # Asked to stop, the JVM may have been asked too, and be gone first.
            if not self.stop.is_set():
                raise self._failure(checkpoint, sink.error or error) from error
        return sink.counts

    def _take(self, sink: Sink, once: bool) -> None:
        query = start(self.spark, self.settings, self.topic, sink, once)
        self.say(f"reading {self.topic} from {self.settings.kafka_bootstrap}")
        while not query.awaitTermination(1):
            if self.stop.is_set() and not query.status["isTriggerActive"]:
                query.stop()

    def _require_standing(self, checkpoint: Checkpoint, now: Topic) -> None:
        try:
            position = self._position(checkpoint)
        except Unreadable as error:
            raise Stuck(f"the stream's checkpoint can't be read: {error}. {REMEDY}") from error
        # A stream that begins takes all that a topic has, also one that was made anew.
        if position and (checkpoint.stream() or position.topic_id == now.id):
            require_standing(position, now)

    def _position(self, checkpoint: Checkpoint) -> Position | None:
        """By the checkpoint; where there is none, by the ledger: a stream that begins must not pass over a loss either."""
        stream = checkpoint.stream()
        known = self.book.position(self.topic, stream)
        if stream is None:
            return known
        return Position(known.topic_id if known else None, checkpoint.position())

    def _begin_anew(self, checkpoint: Checkpoint, now: Topic) -> None:
        try:
            position = self._position(checkpoint)
        except Unreadable:
            position = self.book.position(self.topic, None)
        if aside := checkpoint.set_aside():
            self.say(f"the checkpoint is set aside as {aside}; beginning with the earliest messages that Kafka still has")
        if position and (lost := lost_before(position, now)):
            self.say(f"lost before it was read: {told(lost)}")
        if position and position.topic_id not in (None, now.id):
            reached = "; ".join(f"partition {number}, offset {offset:,}" for number, offset in sorted(position.offsets.items()))
            self.say(f"of the topic that was there before, messages were read up to {reached}; what came after is lost")

    def _failure(self, checkpoint: Checkpoint, error: Exception) -> Exception:
        """What went wrong while it ran may be what is judged before a start."""
        if isinstance(error, (LedgerAway, StreamRuns)):
            return error
        try:
            self._require_standing(checkpoint, topic_now(self.settings, self.topic))
        except (Stuck, TopicAway) as known:
            return known
        except (Py4JError, OSError, LedgerAway, StreamRuns):
            pass  # the first reason is the better one
        return StreamFailed(
            f"{root_cause(error)}; on the way from Kafka at {self.settings.kafka_bootstrap} to {self.settings.hdfs_url}."
            " See ./run status; the same again goes on where it ended."
        )
