"""./run test and ./run bench: every check and every measurement there is, on stacks of their own that are ended afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cdp.settings import REPOSITORY
from infra.stack import lifecycle
from infra.stack.stack import StackError, open_stack, venv_bin
from infra.stack.tools import apt_install, ensure_jars, ensure_system, say

CHECKS: tuple[tuple[str, ...], ...] = (
    (venv_bin("ruff"), "check", "."),
    (venv_bin("ruff"), "format", "--check", "."),
    (venv_bin("mypy"), "--no-error-summary", "cdp", "infra", "source_server", "streaming", "batch", "cdp_web", "benchmarks"),
)
PYTEST = (sys.executable, "-m", "pytest", "--durations=12", "--durations-min=10")
#: All tests, in two runs side by side: those that start or ask servers leave a core free for half of the time.
WITH_SERVERS = (*PYTEST, "-m", "stack or browser or subprocess")
ALONE = (*PYTEST, "-m", "not (stack or browser or subprocess)", "-o", "cache_dir=.pytest_cache/alone")
#: Debian's packages that only the tests need, with a program of each.
PACKAGES = {"chromium": "chromium", "docker-compose": "docker-compose"}


def bench(arguments: list[str]) -> int:
    """The benchmarks bring their stack up and down themselves, each with the servers that it needs."""
    os.environ |= {"CDP_STACK": "bench", "CDP_SOURCE_RATE": "0"}
    ensure_system(open_stack())
    ensure_jars()
    return subprocess.call(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=REPOSITORY, env=os.environ | {"PROGRAM_NAME": "./run bench"}
    )


def run(pytest_arguments: list[str]) -> int:
    """Run all, also after a failure, and say at the end which failed."""
    os.environ["CDP_STACK"] = "test"
    stack = open_stack()
    ensure_system(stack)
    ensure_jars()
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            missing = f"{package} is missing, which the tests need. Install it: apt-get install {package}"
            apt_install(stack, package, otherwise=missing)
    seen, beside = ((*PYTEST, *pytest_arguments), CHECKS) if pytest_arguments else (WITH_SERVERS, (*CHECKS, ALONE))
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(lambda: [_ran(argv, kept_back=True) for argv in beside])
        done = [_ran(seen), *others.result()]
    lifecycle.down(open_stack())
    for check in done:
        print(check.out, end="")
        say(f"run: {check.name}: {'ok' if check.code == 0 else f'failed ({check.code})'}, {check.seconds:.0f} s")
    if failed := [check.name for check in done if check.code]:
        raise StackError(f"failed: {', '.join(failed)}")
    return 0


@dataclass(frozen=True, slots=True)
class Done:
    """A check that has ended; what it said, where that was kept back."""

    name: str
    code: int
    seconds: float
    out: str


def _ran(argv: tuple[str, ...], kept_back: bool = False) -> Done:
    began = time.monotonic()
    pipe = subprocess.PIPE if kept_back else None
    done = subprocess.run(argv, cwd=REPOSITORY, text=True, stdout=pipe, stderr=subprocess.STDOUT if kept_back else None)
    name = "pytest" if argv[: len(PYTEST)] == PYTEST else " ".join(Path(argument).name for argument in argv[:2])
    return Done(name, done.returncode, time.monotonic() - began, done.stdout or "")
