"""The steps of a night as the user sees them: one line per step, and the name of the step that failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Note = Callable[[str], None]
#: Called when a step begins, with its name and the seconds of the steps before it.
StepListener = Callable[[str, Mapping[str, float]], None]


class StepFailed(Exception):
    """The message is the name of the step; the cause is the error."""


class Steps:
    """Runs steps and remembers how long each took."""

    def __init__(self, say: Callable[[str], None], on_begin: StepListener = lambda name, seconds: None) -> None:
        self._say = say
        self._on_begin = on_begin
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Note]:
        """Yields a function that adds a note to the step's line."""
        notes: list[str] = []
        started = time.monotonic()
        try:
            self._on_begin(name, self.seconds)
            yield notes.append
        except Exception as error:
            raise StepFailed(name) from error
        self.seconds[name] = round(time.monotonic() - started, 1)
        self._say(f"  {name:<13}{self.seconds[name]:>6.1f} s  {', '.join(notes)}")
