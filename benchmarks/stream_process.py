"""The stream as a process that can be killed, itself or its executor, and that is started again whenever it is gone."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

import psutil

from benchmarks.under_fire import TRIES
from infra.stack.services import spark
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor

#: python -m streaming, on a topic that may be another than the declared one.
STREAM = "import sys; from streaming.__main__ import main; sys.exit(main(sys.argv[2:], topic=sys.argv[1]))"
EXECUTOR = "CoarseGrainedExecutorBackend"
SECONDS_A_BATCH = "1"
BATCH_WITHIN = 400.0
EXECUTOR_WITHIN = 60.0
DRAINED_WITHIN = 600.0


class StreamProcess:
    """The continuous stream. What it says lies in a file of the stack's logs."""

    def __init__(self, stack: Stack, topic: str) -> None:
        self._stack, self._topic = stack, topic
        self._said = stack.log_dir / "stream-under-fire.log"
        self._said.write_bytes(b"")
        self.ended = 0  # by itself, of what was done to its servers
        self._killed = False
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in _family(self._process.pid):
            process.kill()
        self._process.wait()

    def await_batch(self) -> None:
        """Until it has written one batch more; it is started again where it has ended."""
        before, deadline = self._batches(), time.monotonic() + BATCH_WITHIN
        while self._batches() == before:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the stream wrote nothing in {BATCH_WITHIN:.0f} s; see {self._said}")
            if self._process.poll() is not None:
                self.ended += not self._killed
                self._killed, self._process = False, self._start()
            time.sleep(0.2)

    def kill_driver(self, rng: random.Random) -> None:
        """Python or its JVM, the one without the other. Each must end with the other: the next one reads the same checkpoint."""
        if self._process.poll() is not None:
            self.await_batch()
        family = _family(self._process.pid)
        rng.choice(family).kill()
        self._process.wait(120)
        if psutil.wait_procs(family, 60)[1]:
            raise RuntimeError("the stream's JVM lives on without its Python, or the other way round")
        self._killed = True

    def kill_executor(self, rng: random.Random) -> None:
        """The worker has others only where other jobs run."""
        rng.choice(self._executors()).kill()

    def _executors(self) -> list[psutil.Process]:
        """There is a moment without one after the death of one."""
        worker, deadline = Supervisor(self._stack).state("spark-worker").pid, time.monotonic() + EXECUTOR_WITHIN
        while time.monotonic() < deadline:
            if found := [process for process in _family(worker) if EXECUTOR in command_of(process)]:
                return found
            time.sleep(0.2)
        raise RuntimeError(f"the stream had no executor for {EXECUTOR_WITHIN:.0f} s; see {self._said}")

    def drain(self) -> None:
        """End it in order, and take what is left."""
        self._process.terminate()
        self._process.wait(120)
        for _ in range(TRIES):
            self._process = self._start("--once")
            if self._process.wait(DRAINED_WITHIN) == 0:
                return
        raise RuntimeError(f"the stream did not come to the end in {TRIES} tries; see {self._said}")

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        env = self._stack.base_env | spark.build_environment(self._stack) | {"CDP_STREAM_INTERVAL_SECONDS": SECONDS_A_BATCH}
        with self._said.open("ab") as said:
            argv = [sys.executable, "-c", STREAM, self._topic, *arguments]
            return subprocess.Popen(argv, env=env, stdout=said, stderr=said)

    def _batches(self) -> int:
        return self._said.read_bytes().count(b"stream: batch ")


def _family(pid: int) -> list[psutil.Process]:
    """A process with all its children that live; empty where it is gone."""
    try:
        process = psutil.Process(pid)
        return [member for member in [process, *process.children(recursive=True)] if command_of(member)]
    except psutil.NoSuchProcess:
        return []


def command_of(process: psutil.Process) -> str:
    """Empty of one that has ended meanwhile, and of one that has ended and was not yet waited for."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
