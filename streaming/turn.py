"""Whose turn it is: there is one stream at a time, and a second one may wait until the first has taken what there is now."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cdp.settings import Settings
from streaming.book import Book, StreamRuns
from streaming.ledger.read import written
from streaming.ledger.sums import Found, Hdfs
from streaming.topic import Topic

PAUSE_SECONDS = 2.0


class Stopped(RuntimeError):
    """It was asked to end before all that was there had been taken."""


def take_turn(book: Book, is_taken: Callable[[], bool] | None, stop: threading.Event) -> bool:
    """Whether the lock is ours now; if not, the other stream has taken what was there. Without a way to ask for that, a second
    stream is refused. One that dies meanwhile leaves its turn to this one."""
    while True:
        try:
            book.open()
            return True
        except StreamRuns:
            if is_taken is None:
                raise
        if is_taken():
            return False
        if stop.wait(PAUSE_SECONDS):
            raise Stopped("asked to stop while another stream was taking what is there.")


def taken_by_another(settings: Settings, there: Topic) -> bool:
    """Whether the ledger has reached the ends that the topic had then."""
    found = Found((), written(settings).reaches, (), Hdfs(), there)
    return all(offsets <= 0 for offsets in found.waiting.values())
