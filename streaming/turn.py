"""Waiting for another stream: only one runs at a time, and a second may wait until the first has read what Kafka has now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from cdp.ledger import count_waiting
from cdp.settings import Settings
from streaming.lock import LockedConnection, StreamAlreadyRunning
from streaming.messages import Topic
from streaming.query import Query

PAUSE_SECONDS = 2.0


class StreamInterrupted(RuntimeError):
    """A signal stopped the stream before it had read everything."""


def take_turn(connection: LockedConnection, is_read: Callable[[], bool] | None, stop: threading.Event) -> bool:
    """Take the lock. False means that the other stream has read everything meanwhile. Without `is_read` a second stream is
    refused. If the other stream ends before that, this one takes the lock."""
    while True:
        try:
            connection.open()
            return True
        except StreamAlreadyRunning:
            if is_read is None:
                raise
        if is_read():
            return False
        if stop.wait(PAUSE_SECONDS):
            raise StreamInterrupted("stopped by a signal while waiting for another stream.")


def is_read_by_another(settings: Settings, query: Query, topics: Sequence[Topic]) -> bool:
    """Whether another stream of the query has reached the ends of the topics as they were read earlier."""
    return all(_is_topic_read(settings, query, topic) for topic in topics)


def _is_topic_read(settings: Settings, query: Query, topic: Topic) -> bool:
    offsets = query.read_next_offsets(settings, topic)
    retained = {each.key: (each.start, each.end) for each in topic.partitions.values()}
    return all(waiting <= 0 for waiting in count_waiting(offsets, retained).values())
