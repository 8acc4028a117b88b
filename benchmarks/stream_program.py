"""Runs a program of the benchmarks of the stream: the present code or an earlier revision, with its own tables and ledger."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deltalake import DeltaTable
from hdfs import InsecureClient

from benchmarks.processor import ProcessorTimes, ProcessWatch
from benchmarks.stream_process import find_executors
from cdp.lake.paths import table_url
from cdp.lake.tables import STREAM_TABLES
from cdp.settings import REPOSITORY, env_name
from infra.stack.services import spark as spark_service
from infra.stack.services.hdfs import USER
from infra.stack.services.postgres import ensure_database
from infra.stack.stack import JARS, Stack
from infra.stack.supervise import Supervisor

#: The last revision whose stream parses and writes by Spark's expressions.
PREVIOUS = "75afb5d"
LONGEST = 3600.0
IDLE_WITHIN = 60.0
TOOK = re.compile(r"took ([\d.]+) s")
#: benchmarks.stream_ours of either revision, on the topic of the first argument.
OURS = """
import sys
from dataclasses import replace
from benchmarks import stream_ours
stream_ours.EVENTS_QUERY = replace(stream_ours.EVENTS_QUERY, topics=(sys.argv[1],))
stream_ours.main()
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a program's output, and when it came."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """What a program printed and used."""

    lines: Sequence[Line]
    started: float
    ended: float
    times: ProcessorTimes
    peaks: Mapping[str, float]  # MB by kind of process

    @property
    def span(self) -> tuple[float, float]:
        """The begin and the end of the work itself: the program prints at its end how long the work took."""
        at, seconds = next((line.at, float(match[1])) for line in self.lines if (match := TOOK.search(line.text)))
        return at - seconds, at


@dataclass(frozen=True, slots=True)
class Workplace:
    """A revision's code, with its own tables and its own ledger on the servers of the stack."""

    stack: Stack
    code: Path = REPOSITORY

    @property
    def environment(self) -> dict[str, str]:
        settings = self.stack.settings
        changed = {env_name(name): getattr(settings, name) for name in ("hdfs_root", "postgres_database")}
        return self.stack.base_env | spark_service.build_environment(self.stack) | changed | {"PYTHONPATH": str(self.code)}


def make_workplace(stack: Stack, name: str, code: Path = REPOSITORY) -> Workplace:
    """Tables and ledger are empty, so a stream reads all messages from the start."""
    settings = replace(stack.settings, hdfs_root=f"/bench/{name}", postgres_database=f"bench_{name}")
    ensure_database(settings, settings.postgres_database)
    InsecureClient(settings.hdfs_http, user=USER).makedirs(f"{settings.hdfs_root}/_spark-events")
    return Workplace(Stack(settings), code)


def extract_previous(stack: Stack) -> Path | None:
    """The code of the previous revision in a folder of its own; None, with a line that says so, if the repository lacks it."""
    folder = stack.state / "previous"
    command = ["git", "-C", str(REPOSITORY), "archive", PREVIOUS]
    archive = subprocess.run(command, capture_output=True, check=False) if shutil.which("git") else None
    if archive is None or archive.returncode:
        print(f"This clone has no revision {PREVIOUS}, so the old code is not measured.", file=sys.stderr)
        return None
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    (folder / JARS.name).symlink_to(JARS.resolve())
    return folder


def run_program(place: Workplace, *arguments: str, **settings: str) -> ProgramRun:
    """Run it to its end while its processes are watched. `settings` are variables such as CDP_STREAM_BATCH_MESSAGES."""
    stack = place.stack
    _await_no_executor(stack)
    log = stack.log_dir / "bench-stream.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=place.environment | settings, cwd=place.code,
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    started, timer = time.monotonic(), threading.Timer(LONGEST, process.kill)
    timer.daemon = True  # so that it ends with this program after an error
    timer.start()
    with ProcessWatch(process.pid, _read_worker(stack)) as watch, process:
        assert process.stdout is not None
        lines = [Line(time.monotonic(), text.rstrip()) for text in process.stdout]
        process.wait()
        ended = time.monotonic()
    timer.cancel()
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)[-60:]} failed: {log.read_text(errors='replace')[-2000:]}")
    return ProgramRun(lines, started, ended, watch.times, watch.peaks)


def count_rows(place: Workplace) -> dict[str, int]:
    """Rows of each table of the stream, by Delta's log."""
    return {table.name: DeltaTable(table_url(place.stack.settings, table.name)).count() for table in STREAM_TABLES}


def _read_worker(stack: Stack) -> int:
    return Supervisor(stack).state("spark-worker").pid


def _await_no_executor(stack: Stack) -> None:
    """The executors of an application end a moment after its driver."""
    deadline = time.monotonic() + IDLE_WITHIN
    while find_executors(_read_worker(stack)):
        if time.monotonic() > deadline:
            raise RuntimeError(f"an executor of another application still runs after {IDLE_WITHIN:.0f} s")
        time.sleep(0.2)
