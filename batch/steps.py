"""The steps of a night as a person sees them: a line for each, and the name of the one that failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Note = Callable[[str], None]
#: Told of a step that begins, and of how long those before it took.
Begun = Callable[[str, Mapping[str, float]], None]


class StepFailed(Exception):
    """Carries the name of the step; its cause is the error."""


class Steps:
    """Runs steps and remembers how long each took."""

    def __init__(self, say: Callable[[str], None], begun: Begun = lambda name, seconds: None) -> None:
        self._say = say
        self._begun = begun
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Note]:
        """What is noted inside ends up in the step's line."""
        notes: list[str] = []
        begun = time.monotonic()
        try:
            self._begun(name, self.seconds)
            yield notes.append
        except Exception as error:
            raise StepFailed(name) from error
        self.seconds[name] = round(time.monotonic() - begun, 1)
        self._say(f"  {name:<13}{self.seconds[name]:>6.1f} s  {', '.join(notes)}")
