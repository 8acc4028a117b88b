"""./run test and ./run bench: all checks and all measurements, on stacks of their own that are stopped afterwards."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from cdp.settings import REPOSITORY
from infra.stack import lifecycle
from infra.stack.stack import Stack, StackError, open_stack, venv_bin
from infra.stack.tools import apt_install, ensure_jars, ensure_system, say

USAGE = """usage: ./run test [--quick | --all | ARGS]

Runs ruff, mypy and pytest, with real servers on a stack of its own.
  --quick  only the static checks and the tests that need no server, no Spark and no program of their own
  --all    also the tests that are slow by nature, such as the full kill matrix and random nights, and more generated examples
  ARGS     go to pytest: -k WORD, a file, --durations=20"""

STATIC: tuple[tuple[str, ...], ...] = (
    (venv_bin("ruff"), "check", "."),
    (venv_bin("ruff"), "format", "--check", "."),
    (venv_bin("mypy"), "--no-error-summary", "cdp", "infra", "source_server", "streaming", "batch", "cdp_web", "benchmarks"),
)
PYTEST = (sys.executable, "-m", "pytest")
#: Debian packages that only the tests need, with a program of each.
PACKAGES = {"chromium": "chromium", "docker-compose": "docker-compose"}
SLOWEST = 10
#: The profile of Hypothesis in which generated tests take all their examples (tests/examples.py).
ALL_EXAMPLES = "all-examples"


@dataclass(frozen=True, slots=True)
class Lane:
    """Tests that run in one process, with servers of its own, beside the other lanes."""

    name: str
    marks: str
    paths: tuple[str, ...] = ()
    #: The stack of the lane's servers.
    stack: str = "test"

    def command(self, report: Path, with_slow: bool) -> tuple[str, ...]:
        marks = self.marks if with_slow else f"({self.marks}) and not slow"
        # Two pytest processes must not share a cache folder.
        cache = f"cache_dir=.pytest_cache/{self.name}"
        examples = (f"--hypothesis-profile={ALL_EXAMPLES}",) if with_slow else ()
        return (*PYTEST, *self.paths, "-m", marks, *examples, "-o", cache, "-o", "junit_family=xunit1", f"--junitxml={report}")


_SITE = ("tests/cdp_web", "tests/browser")
#: Nights with a local Spark. They need Postgres and MongoDB, as the site does.
_NIGHTS = (
    "tests/batch/gate", "tests/batch/test_account_nights.py", "tests/batch/test_increment.py",
    "tests/batch/test_next_nights.py", "tests/batch/test_night.py", "tests/batch/test_past.py", "tests/batch/test_years.py",
)  # fmt: skip
_WITH_SERVERS = "stack or browser or subprocess"
#: The longest lane, so its output is shown.
SERVERS = Lane("servers", _WITH_SERVERS, tuple(f"--ignore={path}" for path in (*_SITE, *_NIGHTS)))
#: The other lanes run one after the other beside it.
NO_SERVERS = Lane("no-servers", f"not ({_WITH_SERVERS})")
SITE_AND_NIGHTS = Lane("site-and-nights", _WITH_SERVERS, (*_SITE, *_NIGHTS), "testsite")
LANES = (SERVERS, NO_SERVERS, SITE_AND_NIGHTS)
PURE = Lane("pure", "not (stack or browser or subprocess or spark)")


@dataclass(frozen=True, slots=True)
class Command:
    argv: tuple[str, ...]
    stack: str = "test"


@dataclass(frozen=True, slots=True)
class Result:
    """A check that has ended, with the output that was held back."""

    name: str
    code: int
    seconds: float
    output: str


def bench(arguments: list[str]) -> int:
    """Each benchmark starts the servers it needs and stops them."""
    os.environ["CDP_STACK"] = "bench"
    ensure_system(open_stack())
    ensure_jars()
    return subprocess.call(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=REPOSITORY, env=os.environ | {"PROGRAM_NAME": "./run bench"}
    )


def test(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--all", action="store_true")
    chosen, for_pytest = parser.parse_known_args(arguments)
    if (chosen.quick or chosen.all) and (for_pytest or chosen.quick == chosen.all):
        raise StackError("./run test takes --quick, --all or arguments for pytest, and only one of the three.")
    os.environ["CDP_STACK"] = "test"
    stack = open_stack()
    if chosen.quick:
        return _run_lanes(stack, [PURE], with_slow=False)
    _install(stack)
    try:
        if not for_pytest:
            return _run_lanes(stack, LANES, with_slow=chosen.all)
        results = _run_beside(Command((*PYTEST, *for_pytest)), map(Command, STATIC))
        _show(results)
        return _exit_code(results)
    finally:
        for name in {lane.stack for lane in LANES}:
            os.environ["CDP_STACK"] = name
            lifecycle.down(open_stack())


def _install(stack: Stack) -> None:
    ensure_system(stack)
    ensure_jars()
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            missing = f"{package} is missing, which the tests need. Install it: apt-get install {package}"
            apt_install(stack, package, otherwise=missing)


def _run_lanes(stack: Stack, lanes: Sequence[Lane], with_slow: bool) -> int:
    stack.state.mkdir(parents=True, exist_ok=True)
    reports = [stack.state / f"{lane.name}.xml" for lane in lanes]
    for report in reports:
        report.unlink(missing_ok=True)
    commands = [Command(lane.command(report, with_slow), lane.stack) for lane, report in zip(lanes, reports, strict=True)]
    first, *others = commands
    results = _run_beside(first, (*map(Command, STATIC), *others))
    _show(results)
    seconds = read_times(report for report in reports if report.exists())  # a lane that was killed has none
    times = stack.state / "times.json"
    times.write_text(json.dumps(seconds, indent=1) + "\n")
    say(f"run: the {SLOWEST} slowest of {len(seconds)} test files; {times} has all:")
    for name, spent in list(seconds.items())[:SLOWEST]:
        say(f"run:   {spent:6.1f} s  {name}")
    return _exit_code(results)


def _run_beside(shown: Command, quiet: Iterable[Command]) -> list[Result]:
    """Show one command while it runs, and run the others beside it. All run, even if some fail."""
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(lambda: [_run(command, subprocess.PIPE) for command in quiet])
        return [_run(shown), *beside.result()]


def read_times(reports: Iterable[Path]) -> dict[str, float]:
    """Seconds per test file, with the setup and teardown of its tests; the slowest first."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            seconds[case.attrib["file"]] += float(case.attrib["time"])
    return {name: round(seconds[name], 1) for name in sorted(seconds, key=seconds.__getitem__, reverse=True)}


def _run(command: Command, pipe: int | None = None) -> Result:
    began, argv = time.monotonic(), command.argv
    environment = os.environ | {"CDP_STACK": command.stack}
    stderr = subprocess.STDOUT if pipe else None
    process = subprocess.run(argv, cwd=REPOSITORY, env=environment, text=True, stdout=pipe, stderr=stderr)
    name = "pytest" if argv[: len(PYTEST)] == PYTEST else " ".join(Path(argument).name for argument in argv[:2])
    return Result(name, process.returncode, time.monotonic() - began, process.stdout or "")


def _show(results: list[Result]) -> None:
    for result in results:
        print(result.output, end="")
        say(f"run: {result.name}: {'ok' if result.code == 0 else f'failed ({result.code})'}, {result.seconds:.0f} s")


def _exit_code(results: list[Result]) -> int:
    if failed := [result.name for result in results if result.code]:
        raise StackError(f"failed: {', '.join(failed)}")
    return 0
