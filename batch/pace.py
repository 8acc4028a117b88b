"""How far a range of nights has come, and how long the rest will take if it goes on like the last ones."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

#: The first night of a range restates what all have in common; later ones tell more of those to come.
LAST = 5


class Pace:
    """Asked once for each night, when it begins."""

    def __init__(self, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._clock = clock
        self._begun: deque[float] = deque(maxlen=LAST + 1)
        self._number = 0

    def place(self) -> str:
        """Nothing for a single night."""
        self._number += 1
        self._begun.append(self._clock())
        if self._count == 1:
            return ""
        place = f"{self._number} of {self._count}"
        if len(self._begun) < 2:
            return f"  ({place})"
        each = (self._begun[-1] - self._begun[0]) / (len(self._begun) - 1)
        return f"  ({place}, about {left(each * (self._count - self._number + 1))} left)"


def left(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
