"""./run test and ./run bench: every check and every measurement there is, on stacks of their own that are ended afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cdp.settings import REPOSITORY, load
from infra.stack import lifecycle
from infra.stack.stack import Stack, StackError, open_stack, venv_bin
from infra.stack.tools import apt_install, ensure_jars, ensure_system, say

STACK, STACK_OF_NIGHTS = "test", "nights"
PYTEST = (sys.executable, "-m", "pytest", "--durations=12", "--durations-min=10")
SERVERS = "stack or browser or subprocess"
#: Whole nights, which are half of what the tests with servers take.
NIGHTS = "tests/batch"


@dataclass(frozen=True, slots=True)
class Check:
    """A command that ends with 0 where all is well."""

    name: str
    argv: tuple[str, ...]
    stack: str = STACK


@dataclass(frozen=True, slots=True)
class Done:
    """A check that has ended; what it said, where that was kept back."""

    check: Check
    code: int
    seconds: float
    out: str

    def __str__(self) -> str:
        return f"{self.check.name}: {'ok' if self.code == 0 else f'failed ({self.code})'}, {self.seconds:.0f} s"


STATIC: tuple[Check, ...] = (
    Check("ruff check", (venv_bin("ruff"), "check", ".")),
    Check("ruff format", (venv_bin("ruff"), "format", "--check", ".")),
    Check(
        "mypy",
        (venv_bin("mypy"), "--no-error-summary", "cdp", "infra", "source_server", "streaming", "batch", "cdp_web", "benchmarks"),
    ),
)
#: All tests, each once. Those that run side by side share no stack and no memory of what failed. Nights take the processors that
#: the others leave: a server that is killed has to be back in time.
WITH_SERVERS = Check("tests with servers", (*PYTEST, "-m", SERVERS, f"--ignore={NIGHTS}"))
OF_NIGHTS = Check(
    "tests of nights", ("nice", *PYTEST, "-m", SERVERS, "-o", "cache_dir=.pytest_cache/nights", NIGHTS), STACK_OF_NIGHTS
)
ALONE = Check("tests without servers", (*PYTEST, "-m", f"not ({SERVERS})", "-o", "cache_dir=.pytest_cache/alone"))
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
    os.environ["CDP_STACK"] = STACK
    stack = open_stack()
    ensure_system(stack)
    ensure_jars()
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            missing = f"{package} is missing, which the tests need. Install it: apt-get install {package}"
            apt_install(stack, package, otherwise=missing)
    if pytest_arguments:
        seen, beside = [Check("tests", (*PYTEST, *pytest_arguments))], STATIC
    else:
        seen, beside = [WITH_SERVERS, ALONE], (*STATIC, OF_NIGHTS)
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(lambda: [_done(check, kept_back=True) for check in beside])
        done = [*(_done(check) for check in seen), *others.result()]
    for name in (STACK, STACK_OF_NIGHTS):
        lifecycle.down(Stack(load({"CDP_STACK": name})))
    for each in done:
        print(each.out, end="")
    for each in done:
        say(f"run: {each}")
    if failed := [each.check.name for each in done if each.code]:
        raise StackError(f"failed: {', '.join(failed)}")
    return 0


def _done(check: Check, kept_back: bool = False) -> Done:
    began = time.monotonic()
    pipe = subprocess.PIPE if kept_back else None
    ended = subprocess.run(
        check.argv,
        cwd=REPOSITORY,
        env=os.environ | {"CDP_STACK": check.stack},
        text=True,
        stdout=pipe,
        stderr=subprocess.STDOUT if kept_back else None,
    )
    return Done(check, ended.returncode, time.monotonic() - began, ended.stdout or "")
