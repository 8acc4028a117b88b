"""Runs one night as a person starts it: the seconds of each step, read from its output, and the peak memory of its processes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import psutil

from benchmarks.stream_process import read_command
from infra.stack.services import spark as spark_service
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor

STEP = re.compile(r"^  (\w+) +([\d.]+) s", re.MULTILINE)
#: Steps after the publication; readers don't wait for them.
AFTERWARDS = ("compaction", "upkeep")
LONGEST = 7200
LOOK_SECONDS = 0.25
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NightTimes:
    """Seconds of one night."""

    wall: float  # the whole command, including start and end of Python and Spark
    steps: Mapping[str, float]

    @property
    def published(self) -> float:
        """From the first step until readers see the new day."""
        return sum(seconds for step, seconds in self.steps.items() if step not in AFTERWARDS)


@dataclass(slots=True)
class PeakMemory:
    """The peak memory of each kind of process, in MB, as Linux records it."""

    worker: int  # process id of Spark's worker, the parent of the executors
    most: dict[str, float] = field(default_factory=dict)

    def update(self, night: int) -> None:
        for process in [*_find_children(night), *_find_children(self.worker)]:
            kind, megabytes = classify_process(read_command(process)), _read_peak_memory(process.pid)
            if kind and megabytes:
                self.most[kind] = max(self.most.get(kind, 0.0), megabytes)


def run_night(stack: Stack, day: date, peaks: PeakMemory | None = None) -> NightTimes:
    """Publish the day. The night's output is also appended to a file in the stack's logs."""
    log = stack.log_dir / "bench-night.log"
    start, before = time.monotonic(), log.stat().st_size if log.exists() else 0
    with log.open("ab") as out:
        argv = [sys.executable, "-m", "batch", "--day", str(day)]
        process = subprocess.Popen(argv, env=stack.base_env | spark_service.build_environment(stack), stdout=out, stderr=out)
        while _still_runs(process, LOOK_SECONDS if peaks else LONGEST):
            if peaks:
                peaks.update(process.pid)
    wall = time.monotonic() - start
    text = _read_from(log, before)
    if process.returncode:
        raise RuntimeError(f"the night of {day} failed: {text[-2000:]}")
    return NightTimes(wall, parse_steps(text))


def watch_memory(stack: Stack) -> PeakMemory:
    return PeakMemory(Supervisor(stack).state("spark-worker").pid)


def parse_steps(output: str) -> dict[str, float]:
    return {step: float(seconds) for step, seconds in STEP.findall(output)}


def classify_process(command: str) -> str:
    """The kind of a night's process, by its command; empty for the worker itself and for other processes."""
    if "CoarseGrainedExecutorBackend" in command:
        return "executor's JVM"
    if "SparkSubmit" in command:
        return "driver's JVM"
    return "one Python of the executor" if "pyspark.daemon" in command else ""


def _still_runs(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _read_from(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")


def _find_children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _read_peak_memory(pid: int) -> float:
    """In MB; 0 if the process has ended meanwhile."""
    try:
        match = PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(match[1]) / 1024 if match else 0.0
