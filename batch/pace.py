"""Progress of a range of days, and the time left if the rest takes as long per day as the last ones did."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

#: The estimate uses this many days: the first ones may be slower than the rest.
LAST = 5


class DayPace:
    """Call `next_day` once for each day, when it begins."""

    def __init__(self, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._clock = clock
        self._starts: deque[float] = deque(maxlen=LAST + 1)
        self._number = 0

    def next_day(self) -> str:
        """The progress as text, empty for a single day."""
        self._number += 1
        self._starts.append(self._clock())
        if self._count == 1:
            return ""
        progress = f"{self._number} of {self._count}"
        if len(self._starts) < 2:
            return f"  ({progress})"
        seconds = (self._starts[-1] - self._starts[0]) / (len(self._starts) - 1)
        return f"  ({progress}, about {format_seconds(seconds * (self._count - self._number + 1))} left)"


def format_seconds(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
