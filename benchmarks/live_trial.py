"""A program that reads live events, and trials of it: events at a steady rate, and how far the program is behind."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression
from types import TracebackType
from typing import Self

from benchmarks.stream_program import Workplace

READY_WITHIN, DRAINED_WITHIN = 300.0, 900.0
#: Lag is flat if it grows by no more than so many seconds in each second.
FLAT = 0.03


@dataclass(frozen=True, slots=True)
class LiveBatch:
    """A line of the program: a batch that is in its numbers, and the events until then."""

    at: float
    total: int
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Trial:
    """Events sent at a steady rate from `start` on."""

    rate: float
    seconds: float
    start: float
    first: int  # events that the program had read before
    batches: Sequence[LiveBatch]

    @property
    def growth(self) -> float:
        """By how many seconds in each second the numbers fall behind, after the first quarter. Only the end of a batch counts:
        between two ends, every program falls behind."""
        warm, end = self.start + self.seconds / 4, self.start + self.seconds
        ends = [(batch.at, self._delay(batch)) for batch in self.batches if warm <= batch.at <= end]
        return linear_regression(*zip(*ends, strict=True)).slope if len(ends) > 2 else math.inf

    def _delay(self, batch: LiveBatch) -> float:
        """From the sending of the batch's last event until it was in the numbers."""
        return batch.at - self.start - (batch.total - self.first) / self.rate

    @property
    def is_flat(self) -> bool:
        return self.growth <= FLAT

    @property
    def ages(self) -> list[float]:
        """Seconds from the sending of each event until it is in the numbers."""
        ages, read = [], self.first
        for batch in self.batches:
            ages += [batch.at - self.start - (number - self.first) / self.rate for number in range(read, batch.total)]
            read = batch.total
        return ages


class LiveProgram:
    """A running program on a topic of its own."""

    def __init__(self, place: Workplace, module: str, topic: str) -> None:
        self._place, self._module, self._topic = place, module, topic
        self._batches: list[LiveBatch] = []
        self._ready = threading.Event()
        self._log = place.stack.log_dir / "bench-live.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, topic], env=place.environment, cwd=place.code, stdout=subprocess.PIPE, stderr=log,
                text=True,
            )  # fmt: skip
        threading.Thread(target=self._read_lines, daemon=True).start()

    def __enter__(self) -> Self:
        if not self._ready.wait(READY_WITHIN):
            raise self._fail(f"was not ready within {READY_WITHIN:.0f} s")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def hold(self, rate: float, seconds: float, customers: int) -> Trial:
        """Send events at this rate for so long, then wait until the program has read them all."""
        first, number = self._total, len(self._batches)
        arguments = [self._topic, str(rate), str(seconds), str(customers)]
        sender = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.live_sender", *arguments], env=self._place.environment, cwd=self._place.code,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        output, _ = sender.communicate()
        if sender.returncode:
            raise self._fail("did not get its events")
        start, sent = map(float, output.split())
        self._drain(first + int(sent))
        return Trial(rate, seconds, start, first, self._batches[number:])

    @property
    def _total(self) -> int:
        return self._batches[-1].total if self._batches else 0

    def _drain(self, total: int) -> None:
        deadline = time.monotonic() + DRAINED_WITHIN
        while self._total < total:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise self._fail(f"has read {self._total:,} events of {total:,}")
            time.sleep(0.1)

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                values = json.loads(line)
                self._batches.append(LiveBatch(time.monotonic(), self._total + values["received"], values))
            else:
                self._ready.set()

    def _fail(self, what: str) -> RuntimeError:
        return RuntimeError(f"{self._module} {what}: {self._log.read_text(errors='replace')[-2000:]}")
