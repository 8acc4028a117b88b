"""How fast a data set is sent: at full speed, at a number of rows per second, or as it happened, times a factor."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from source_server.produce.source_client import SourcePage


class FlatOut:
    """No pauses; large pages."""

    def __init__(self, most: int) -> None:
        self.limit = most

    def pause_after(self, page: SourcePage) -> float:
        """Seconds to wait once a page has been sent."""
        return 0.0


class AtRate(FlatOut):
    """A number of rows per second, one page per second."""

    def __init__(self, most: int, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(min(most, rate))
        self._rate, self._clock = rate, clock
        self._due = clock()

    def pause_after(self, page: SourcePage) -> float:
        now = self._clock()
        self._due = max(self._due, now - 1) + len(page.lines) / self._rate  # never catches up for an outage
        return max(0.0, self._due - now)


class AtSpeed(FlatOut):
    """From the first event of this run on, event time passes `speed` times as fast as the clock. Late events don't wait.

    A page holds about one second of rows, and the next page waits until the last event of the page is due.
    """

    BEGIN_ROWS = 100

    def __init__(self, most: int, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(min(most, self.BEGIN_ROWS))
        self._most, self._speed, self._clock = most, speed, clock
        self._started = clock()
        self._origin: datetime | None = None
        self._reached: datetime | None = None

    def pause_after(self, page: SourcePage) -> float:
        if page.first_time is None or page.last_time is None:
            return 0.0
        self._origin = self._origin or page.first_time
        before = self._reached or page.first_time
        self._reached = max(before, page.last_time)
        passed = (self._reached - before).total_seconds() / self._speed
        if passed > 0:
            self.limit = max(1, min(self._most, self.limit * 4, round(len(page.lines) / passed)))
        due = self._started + (self._reached - self._origin).total_seconds() / self._speed
        return max(0.0, due - self._clock())
