"""Shows the progress of a load: bars on a terminal, and a line every few seconds elsewhere."""

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
#: Called during the work: data set, step, rows done, and the fraction of the whole, if known.
Progress = Callable[[str, Step, int, float | None], None]

LINE_SECONDS = 5.0
STEP_TEXTS: dict[Step, str] = {"read": "reading", "send": "sending"}


@contextmanager
def show_progress() -> Iterator[Progress]:
    """The `progress` argument for load()."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().report
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
    with rich.progress.Progress(*columns, console=console) as bars:
        yield _Bars(bars).report


class ProgressRate:
    """Rows per second and seconds left of one step. Counts from the step's first report; earlier rows belong to another run."""

    def __init__(self, rows: int, part: float | None, clock: Callable[[], float] | None = None) -> None:
        self._rows, self._part, self._clock = rows, part or 0.0, clock or time.monotonic
        self._started = self._clock()

    def describe(self, rows: int, part: float | None) -> str:
        words = [f"{rows:,} rows" + (f", {part:.0%}" if part is not None else "")]
        seconds = self._clock() - self._started
        if seconds > 0 and rows > self._rows:
            words.append(f"{(rows - self._rows) / seconds:,.0f} rows/s")
            if part is not None and self._part < part < 1:
                words.append(f"{_format_seconds(seconds * (1 - part) / (part - self._part))} left")
        return ", ".join(words)


class _Bars:
    def __init__(self, bars: rich.progress.Progress) -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, Step], tuple[TaskID, ProgressRate]] = {}

    def report(self, name: str, step: Step, rows: int, part: float | None) -> None:
        if (name, step) not in self._tasks:
            task = self._bars.add_task(f"{STEP_TEXTS[step]} {name}", total=1 if part is not None else None, text="")
            self._tasks[name, step] = task, ProgressRate(0 if step == "read" else rows, 0.0 if step == "read" else part)
        task, rate = self._tasks[name, step]
        self._bars.update(task, completed=part or 0.0, text=rate.describe(rows, part))


class _Lines:
    def __init__(self) -> None:
        self._last = time.monotonic()
        self._rates: dict[tuple[str, Step], ProgressRate] = {}

    def report(self, name: str, step: Step, rows: int, part: float | None) -> None:
        rate = self._rates.setdefault((name, step), ProgressRate(rows, part))
        if time.monotonic() - self._last >= LINE_SECONDS:
            self._last = time.monotonic()
            print(f"{STEP_TEXTS[step]} {name}: {rate.describe(rows, part)}", file=sys.stderr, flush=True)


def _format_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
