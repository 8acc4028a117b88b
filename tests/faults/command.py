"""Runs ./run as a person types it, on a stack of the test's own, and returns what it printed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cdp.settings import REPOSITORY

RUN = REPOSITORY / "run"


@dataclass(frozen=True)
class CommandResult:
    code: int
    out: str
    err: str


def run(*arguments: str, stack: str, env: dict[str, str] | None = None, inside: str = "", timeout: int = 200) -> CommandResult:
    """`./run ARGUMENTS`. If `inside` is given, this shell text runs first, in a mount namespace of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CDP_")}
    environ |= {"CDP_STACK": stack} | (env or {})
    argv = [str(RUN), *arguments]
    if inside:
        argv = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", f'{inside}\nexec "$@"', "sh", *argv]
    result = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=timeout, cwd="/")
    return CommandResult(result.returncode, result.stdout, result.stderr)


def state_of(stack: str) -> Path:
    return REPOSITORY / "var" / stack
