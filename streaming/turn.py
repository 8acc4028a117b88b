"""Waiting for another stream: only one runs at a time, and a second may wait until the first has read what Kafka has now."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cdp.settings import Settings
from streaming.book import Book, StreamAlreadyRunning
from streaming.ledger.read import read_next_offsets
from streaming.topic import Topic

PAUSE_SECONDS = 2.0


class StreamInterrupted(RuntimeError):
    """A signal stopped the stream before it had read everything."""


def take_turn(book: Book, is_read: Callable[[], bool] | None, stop: threading.Event) -> bool:
    """Take the lock. False means that the other stream has read everything meanwhile. Without `is_read` a second stream is
    refused. If the other stream ends before that, this one takes the lock."""
    while True:
        try:
            book.open()
            return True
        except StreamAlreadyRunning:
            if is_read is None:
                raise
        if is_read():
            return False
        if stop.wait(PAUSE_SECONDS):
            raise StreamInterrupted("stopped by a signal while waiting for another stream.")


def is_read_by_another(settings: Settings, topic: Topic) -> bool:
    """Whether the ledger has reached the ends of the topic as it was read earlier."""
    offsets = read_next_offsets(settings, topic.id)
    return all(retained.end <= max(offsets.get(number, 0), retained.low) for number, retained in topic.partitions.items())
