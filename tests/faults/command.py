"""./run as a person types it, for tests: on a stack of its own, with what it printed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cdp.settings import REPOSITORY

RUN = REPOSITORY / "run"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def run(*arguments: str, stack: str, env: dict[str, str] | None = None, inside: str = "", timeout: int = 200) -> Outcome:
    """`./run ARGUMENTS`; `inside` is shell text to run first, in a mount namespace of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CDP_")}
    environ |= {"CDP_STACK": stack} | (env or {})
    argv = [str(RUN), *arguments]
    if inside:
        argv = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", f'{inside}\nexec "$@"', "sh", *argv]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=timeout, cwd="/")
    return Outcome(done.returncode, done.stdout, done.stderr)


def state_of(stack: str) -> Path:
    return REPOSITORY / "var" / stack
