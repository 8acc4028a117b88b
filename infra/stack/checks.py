"""./run test and ./run bench: every check and every measurement there is, on stacks of their own that are ended afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from cdp.settings import REPOSITORY
from infra.stack import lifecycle
from infra.stack.stack import StackError, open_stack, venv_bin
from infra.stack.tools import apt_install, ensure_jars, ensure_system, say

CHECKS: tuple[tuple[str, ...], ...] = (
    (venv_bin("ruff"), "check", "."),
    (venv_bin("ruff"), "format", "--check", "."),
    (venv_bin("mypy"), "--no-error-summary", "cdp", "infra", "source_server", "streaming", "batch", "cdp_web", "benchmarks"),
)
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
    failed = []
    for argv in (*CHECKS, (sys.executable, "-m", "pytest", *pytest_arguments)):
        name = " ".join(argument.rpartition("/")[2] for argument in argv[:3]).replace("python3 -m ", "").replace("python -m ", "")
        began = time.monotonic()
        code = subprocess.call(argv, cwd=REPOSITORY)
        say(f"run: {name}: {'ok' if code == 0 else f'failed ({code})'}, {time.monotonic() - began:.0f} s")
        failed += [name] if code else []
    lifecycle.down(open_stack())
    if failed:
        raise StackError(f"failed: {', '.join(failed)}")
    return 0
