"""How far a load has come: what it tells, and two ways to show it, bars on a terminal and now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import rich.progress
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn

Step = Literal["read", "send"]
#: Called as the work goes on: data set, step, rows done, and the part of the whole that this is, where it is known.
Progress = Callable[[str, Step, int, float | None], None]

LINE_SECONDS = 5.0
SAYS: dict[Step, str] = {"read": "reading", "send": "sending"}


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """What to hand to load() as its progress."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().report
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
    with rich.progress.Progress(*columns, console=console) as bars:
        yield _Bars(bars).report


class Pace:
    """Rows a second and seconds left of one step, from its first report on: what was done before is not this run's."""

    def __init__(self, rows: int, part: float | None, clock: Callable[[], float] | None = None) -> None:
        self._rows, self._part, self._clock = rows, part or 0.0, clock or time.monotonic
        self._begun = self._clock()

    def told(self, rows: int, part: float | None) -> str:
        words = [f"{rows:,} rows" + (f", {part:.0%}" if part is not None else "")]
        seconds = self._clock() - self._begun
        if seconds > 0 and rows > self._rows:
            words.append(f"{(rows - self._rows) / seconds:,.0f} rows/s")
            if part is not None and self._part < part < 1:
                words.append(f"{_clock_time(seconds * (1 - part) / (part - self._part))} left")
        return ", ".join(words)


class _Bars:
    def __init__(self, bars: rich.progress.Progress) -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, Step], tuple[TaskID, Pace]] = {}

    def report(self, name: str, step: Step, rows: int, part: float | None) -> None:
        if (name, step) not in self._tasks:
            task = self._bars.add_task(f"{SAYS[step]} {name}", total=1 if part is not None else None, told="")
            self._tasks[name, step] = task, Pace(0 if step == "read" else rows, 0.0 if step == "read" else part)
        task, pace = self._tasks[name, step]
        self._bars.update(task, completed=part or 0.0, told=pace.told(rows, part))


class _Lines:
    def __init__(self) -> None:
        self._last = time.monotonic()
        self._paces: dict[tuple[str, Step], Pace] = {}

    def report(self, name: str, step: Step, rows: int, part: float | None) -> None:
        pace = self._paces.setdefault((name, step), Pace(rows, part))
        if time.monotonic() - self._last >= LINE_SECONDS:
            self._last = time.monotonic()
            print(f"{SAYS[step]} {name}: {pace.told(rows, part)}", file=sys.stderr, flush=True)


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
