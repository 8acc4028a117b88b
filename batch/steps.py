"""The steps of a night as the user sees them: one line per step, and the name of the step that failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

Note = Callable[[str], None]
#: Called when a step begins, with its name and the seconds of the steps before it.
StepListener = Callable[[str, Mapping[str, float]], None]


class StepFailed(Exception):
    """The message is the name of the step; the cause is the error."""


class Steps:
    """Runs steps and remembers how long each took. With an `order`, a step that is not in it or comes too late is refused; steps
    may be left out."""

    def __init__(
        self, say: Callable[[str], None], on_begin: StepListener = lambda name, seconds: None, order: Sequence[str] = ()
    ) -> None:
        self._say = say
        self._on_begin = on_begin
        self._order = order
        self._next = 0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Note]:
        """Yields a function that adds a note to the step's line."""
        self._require_order(name)
        notes: list[str] = []
        started = time.monotonic()
        try:
            self._on_begin(name, self.seconds)
            yield notes.append
        except Exception as error:
            raise StepFailed(name) from error
        self.seconds[name] = round(time.monotonic() - started, 1)
        self._say(f"  {name:<13}{self.seconds[name]:>6.1f} s  {', '.join(notes)}")

    def _require_order(self, name: str) -> None:
        if not self._order:
            return
        if name not in self._order[self._next :]:
            raise ValueError(f"step {name} is not one of the next steps: {', '.join(self._order[self._next :])}")
        self._next = self._order.index(name) + 1
