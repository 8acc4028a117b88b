"""The stream as a process that is restarted whenever it has ended; it or its executor can be killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

import psutil

from benchmarks.faults import TRIES
from infra.stack.services import spark
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor

#: python -m streaming with another topic than the declared one.
STREAM = "import sys; from streaming.__main__ import main; sys.exit(main(sys.argv[2:], topics=(sys.argv[1],)))"
EXECUTOR = "CoarseGrainedExecutorBackend"
SECONDS_A_BATCH = "1"
BATCH_WITHIN = 400.0
EXECUTOR_WITHIN = 60.0
DRAINED_WITHIN = 600.0


class StreamProcess:
    """The continuous stream. Its output goes to a file in the stack's logs."""

    def __init__(self, stack: Stack, topic: str) -> None:
        self._stack, self._topic = stack, topic
        self._log = stack.log_dir / "stream-under-fire.log"
        self._log.write_bytes(b"")
        self.ended = 0  # times that it ended without being killed, because its servers were
        self._killed = False
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in _find_family(self._process.pid):
            process.kill()
        self._process.wait()

    def await_batch(self) -> None:
        """Wait until it has written one more batch; restart it if it has ended."""
        before, deadline = self._count_batches(), time.monotonic() + BATCH_WITHIN
        while self._count_batches() == before:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the stream wrote nothing in {BATCH_WITHIN:.0f} s; see {self._log}")
            if self._process.poll() is not None:
                self.ended += not self._killed
                self._killed, self._process = False, self._start()
            time.sleep(0.2)

    def kill_driver(self, rng: random.Random) -> None:
        """Kill either Python or its JVM. The other must end too, because the next stream reads the same checkpoint."""
        if self._process.poll() is not None:
            self.await_batch()
        family = _find_family(self._process.pid)
        rng.choice(family).kill()
        self._process.wait(120)
        if psutil.wait_procs(family, 60)[1]:
            raise RuntimeError("the stream's JVM survived its Python process, or the other way round")
        self._killed = True

    def kill_executor(self, rng: random.Random) -> None:
        """Kill an executor; the worker has only those of the stream unless other jobs run."""
        rng.choice(self._find_executors()).kill()

    def _find_executors(self) -> list[psutil.Process]:
        """Wait for an executor: for a moment after the death of one there is none."""
        worker, deadline = Supervisor(self._stack).state("spark-worker").pid, time.monotonic() + EXECUTOR_WITHIN
        while time.monotonic() < deadline:
            if executors := find_executors(worker):
                return executors
            time.sleep(0.2)
        raise RuntimeError(f"the stream had no executor for {EXECUTOR_WITHIN:.0f} s; see {self._log}")

    def drain(self) -> None:
        """End the stream cleanly, then take the remaining messages with --once."""
        self._process.terminate()
        self._process.wait(120)
        for _ in range(TRIES):
            self._process = self._start("--once")
            if self._process.wait(DRAINED_WITHIN) == 0:
                return
        raise RuntimeError(f"the stream did not take all messages in {TRIES} tries; see {self._log}")

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        env = self._stack.base_env | spark.build_environment(self._stack) | {"CDP_STREAM_INTERVAL_SECONDS": SECONDS_A_BATCH}
        with self._log.open("ab") as log:
            argv = [sys.executable, "-c", STREAM, self._topic, *arguments]
            return subprocess.Popen(argv, env=env, stdout=log, stderr=log)

    def _count_batches(self) -> int:
        return self._log.read_bytes().count(b"stream: batch ")


def find_executors(worker: int) -> list[psutil.Process]:
    """The living executors of Spark's worker."""
    return [process for process in _find_family(worker) if EXECUTOR in read_command(process)]


def _find_family(pid: int) -> list[psutil.Process]:
    """A process with all its living children; empty if it has ended."""
    try:
        process = psutil.Process(pid)
        return [member for member in [process, *process.children(recursive=True)] if read_command(member)]
    except psutil.NoSuchProcess:
        return []


def read_command(process: psutil.Process) -> str:
    """The command line; empty if the process has ended, even if nobody has waited for it yet."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
