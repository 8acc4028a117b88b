"""One night as a person starts it: how long each step took, as it says itself, and the most memory of its processes."""

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

from benchmarks.stream_process import command_of
from infra.stack.services import spark as spark_service
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor

STEP = re.compile(r"^  (\w+) +([\d.]+) s", re.MULTILINE)
#: Come after the publication; readers don't wait for them.
AFTERWARDS = ("compaction", "upkeep")
LONGEST = 7200
LOOK_SECONDS = 0.25
MOST = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NightTook:
    """Seconds of one night."""

    wall: float  # from the command to its end, with the start of Python, Spark and their end
    steps: Mapping[str, float]

    @property
    def published(self) -> float:
        """From the first step until readers see the new day."""
        return sum(seconds for step, seconds in self.steps.items() if step not in AFTERWARDS)


@dataclass(slots=True)
class Peaks:
    """The most memory that each kind of process ever had, in MB, by Linux's own record of each."""

    worker: int  # process of Spark's worker, whose children the executors are
    most: dict[str, float] = field(default_factory=dict)

    def look(self, night: int) -> None:
        for process in [*_below(night), *_below(self.worker)]:
            kind, megabytes = kind_of(command_of(process)), _most_memory(process.pid)
            if kind and megabytes:
                self.most[kind] = max(self.most.get(kind, 0.0), megabytes)


def run_night(stack: Stack, day: date, peaks: Peaks | None = None) -> NightTook:
    """Publish the day. What the night says goes into a file of the stack's logs too."""
    said = stack.log_dir / "bench-night.log"
    begun, before = time.monotonic(), said.stat().st_size if said.exists() else 0
    with said.open("ab") as out:
        argv = [sys.executable, "-m", "batch", "--day", str(day)]
        process = subprocess.Popen(argv, env=stack.base_env | spark_service.build_environment(stack), stdout=out, stderr=out)
        while _runs(process, LOOK_SECONDS if peaks else LONGEST):
            if peaks:
                peaks.look(process.pid)
    wall = time.monotonic() - begun
    text = _since(said, before)
    if process.returncode:
        raise RuntimeError(f"the night of {day} failed: {text[-2000:]}")
    return NightTook(wall, steps_of(text))


def peaks_of(stack: Stack) -> Peaks:
    return Peaks(Supervisor(stack).state("spark-worker").pid)


def steps_of(said: str) -> dict[str, float]:
    return {step: float(seconds) for step, seconds in STEP.findall(said)}


def kind_of(command: str) -> str:
    """What a process of a night is, by its command; empty for the worker itself and what is none of the night's."""
    if "CoarseGrainedExecutorBackend" in command:
        return "executor's JVM"
    if "SparkSubmit" in command:
        return "driver's JVM"
    return "one Python of the executor" if "pyspark.daemon" in command else ""


def _runs(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _since(said: Path, before: int) -> str:
    with said.open("rb") as file:
        file.seek(before)
        return file.read().decode(errors="replace")


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _most_memory(pid: int) -> float:
    """In MB; 0 of one that has ended meanwhile."""
    try:
        found = MOST.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
