"""Processor time and memory of a program with all its processes, which include Spark's executors and their Python workers.

Linux forgets a process that has ended, so a thread looks every quarter of a second and keeps the last value of each process.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np
import psutil

from benchmarks.stream_process import EXECUTOR as EXECUTOR_CLASS
from benchmarks.stream_process import read_command

LOOK_SECONDS = 0.25
#: Reading the memory of a large process takes milliseconds, so only each fourth look does it.
LOOKS_A_MEMORY = 4
PYTHON, DRIVER, EXECUTOR, WORKERS = "Python", "driver's JVM", "executor's JVM", "Python workers"


def classify_command(command: str) -> str:
    """The kind of a process; all that is not Spark's counts as the program's own Python."""
    if EXECUTOR_CLASS in command:
        return EXECUTOR
    if "SparkSubmit" in command:
        return DRIVER
    return WORKERS if "pyspark.daemon" in command else PYTHON


class ProcessorTimes:
    """Processor seconds by kind of process, at each look. A process that has ended keeps its last value."""

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[str, float]] = {}
        self._looks: list[tuple[float, Mapping[str, float]]] = []

    def add_look(self, at: float, processes: Mapping[Hashable, tuple[str, float]]) -> None:
        self._last |= processes
        sums: dict[str, float] = defaultdict(float)
        for kind, seconds in self._last.values():
            sums[kind] += seconds
        self._looks.append((at, sums))

    def sum_between(self, begin: float, end: float) -> dict[str, float]:
        """The seconds of each kind between two moments, which may lie between two looks."""
        times = [at for at, _ in self._looks]
        kinds = {kind for _, sums in self._looks for kind in sums}
        values = {kind: [sums.get(kind, 0.0) for _, sums in self._looks] for kind in sorted(kinds)}
        return {kind: float(np.diff(np.interp([begin, end], times, each))[0]) for kind, each in values.items()}


class ProcessWatch:
    """Watches a process and its descendants, and the descendants of Spark's worker, in a thread."""

    def __init__(self, program: int, worker: int) -> None:
        self.times = ProcessorTimes()
        self.peaks: dict[str, float] = {}  # MB by kind, all processes of the kind together
        self._program, self._worker = psutil.Process(program), psutil.Process(worker)
        self._kinds: dict[psutil.Process, str] = {}
        self._looks = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_often, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _look(self) -> None:
        processes = list(self._list_processes())
        seconds: dict[Hashable, tuple[str, float]] = {}
        for process in processes:
            with suppress(psutil.Error):
                used = process.cpu_times()
                seconds[process] = (self._find_kind(process), used.user + used.system)
        self.times.add_look(time.monotonic(), seconds)
        if self._looks % LOOKS_A_MEMORY == 0:
            self._look_at_memory(processes)
        self._looks += 1

    def _look_often(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self._look()

    def _list_processes(self) -> Iterator[psutil.Process]:
        with suppress(psutil.Error):
            yield from (self._program, *self._program.children(recursive=True))
        with suppress(psutil.Error):
            yield from self._worker.children(recursive=True)

    def _find_kind(self, process: psutil.Process) -> str:
        """The command of a JVM is at first that of the script which starts it."""
        kind = self._kinds.get(process, PYTHON)
        if kind == PYTHON:
            kind = self._kinds[process] = classify_command(read_command(process))
        return kind

    def _look_at_memory(self, processes: list[psutil.Process]) -> None:
        """The proportional set size: memory that several processes share counts once."""
        sums: Counter[str] = Counter()
        for process in processes:
            with suppress(psutil.Error):
                sums[self._find_kind(process)] += process.memory_full_info().pss
        for kind, size in sums.items():
            self.peaks[kind] = max(self.peaks.get(kind, 0.0), size / 2**20)
