"""How far a load has come: what it tells, and two ways to show it, bars on a terminal and now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import rich.progress
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn

Step = Literal["read", "send"]
#: Called as the work goes on: data set, step, rows done, rows in all where that is known.
Progress = Callable[[str, Step, int, int | None], None]

LINE_SECONDS = 5.0
SAYS: dict[Step, str] = {"read": "reading", "send": "sending"}


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """What to hand to load() as its progress."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().report
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]}"), TimeElapsedColumn())
    with rich.progress.Progress(*columns, console=console) as bars:
        yield _Bars(bars).report


class _Bars:
    def __init__(self, bars: rich.progress.Progress) -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, Step], TaskID] = {}

    def report(self, name: str, step: Step, done: int, total: int | None) -> None:
        if (name, step) not in self._tasks:
            self._tasks[name, step] = self._bars.add_task(f"{SAYS[step]} {name}", total=total, rows="")
        self._bars.update(self._tasks[name, step], completed=done, total=total, rows=_rows(done, total))


class _Lines:
    def __init__(self) -> None:
        self._last = time.monotonic()

    def report(self, name: str, step: Step, done: int, total: int | None) -> None:
        if time.monotonic() - self._last >= LINE_SECONDS:
            self._last = time.monotonic()
            print(f"{SAYS[step]} {name}: {_rows(done, total)}", file=sys.stderr, flush=True)


def _rows(done: int, total: int | None) -> str:
    return f"{done:,} rows" if total is None else f"{done:,} of {total:,} rows"
