"""Starts the site of the benchmarks `web` and `web-tasks` with the stack's own arguments, and a worker if it is needed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import psutil

from benchmarks.segments_data import write_history
from benchmarks.segments_site import MAIN, call_site
from benchmarks.web_data import fill_tables, write_scores
from benchmarks.web_mix import Things
from benchmarks.web_site import FOLDER
from cdp.settings import REPOSITORY
from infra.stack.service import Service
from infra.stack.services.site import WEB, WORKER
from infra.stack.stack import Stack

START_SECONDS = 60
#: The programs of the product, and those of the benchmark that read files instead of HDFS.
PROGRAMS = {
    "cdp_web.wsgi:application": "benchmarks.web_site:make_application()",
    "cdp_web.celery:app": "benchmarks.web_worker:app",
}
#: The benchmark measures the site, not its limits.
NO_LIMITS = dict.fromkeys(("CDP_API_RATE", "CDP_API_BURST_RATE", "CDP_API_PREVIEW_RATE"), "1000000/s")


@dataclass(frozen=True, slots=True)
class Prepared:
    things: Things
    chart_rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Site:
    process: subprocess.Popen[bytes]
    url: str

    def read_memory(self) -> int:
        """Memory of the master and its workers, shared pages counted once."""
        parent = psutil.Process(self.process.pid)
        return sum(process.memory_full_info().pss for process in (parent, *parent.children()))


def prepare_site(stack: Stack, customers: int) -> Prepared:
    """The files, the databases and the static files of a site with so many customers."""
    folder = stack.state / "web-bench"
    write_history(folder / str(MAIN), customers)
    write_scores(folder / str(MAIN))
    assert WEB.prepare is not None
    WEB.prepare(stack)
    prepared = call_site("prepare", folder, customers, "web_site")
    rows = fill_tables(stack.settings, folder / str(MAIN))
    return Prepared(Things(prepared["customer_ids"], prepared["segment_ids"]), rows)


@contextmanager
def serve(stack: Stack, with_worker: bool = False) -> Iterator[Site]:
    with ExitStack() as processes:
        if with_worker:
            processes.enter_context(_run(stack, WORKER))
        process = processes.enter_context(_run(stack, WEB))
        _wait_for_health(stack.settings.web_url, process)
        yield Site(process, stack.settings.web_url)


@contextmanager
def _run(stack: Stack, service: Service) -> Iterator[subprocess.Popen[bytes]]:
    argv = [PROGRAMS.get(argument, argument) for argument in service.command(stack).argv]
    environment = stack.base_env | NO_LIMITS | {FOLDER: str(stack.state / "web-bench")}
    with (stack.log_dir / f"{service.name}-bench.log").open("wb") as log:
        process = subprocess.Popen(argv, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def _wait_for_health(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health").is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the site did not start; its log is log/web-bench.log of the stack")
