"""Makes the Python environment of MLflow's server in .mlflow, from a lock file of its own. After a change of requirements.in or
overrides.txt write the lock again: .venv/bin/python -m infra.stack.mlflow_environment"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from cdp.settings import REPOSITORY
from infra.stack.cause import find_cause
from infra.stack.stack import INFRA, StackError, venv_bin
from infra.stack.tools import say

ENVIRONMENT = REPOSITORY / ".mlflow"
_FOLDER = INFRA / "mlflow"
LOCK = _FOLDER / "requirements.lock"
_STAMP = ENVIRONMENT / "made-from"


def _hash_lock() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def environment_is_current() -> bool:
    return _STAMP.is_file() and _STAMP.read_text() == _hash_lock()


def ensure_environment() -> None:
    """Make .mlflow unless it is complete. The second of two stacks that start together waits, and then finds it complete."""
    if environment_is_current():
        return
    with (REPOSITORY / ".mlflow.making").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if environment_is_current():
            return
        say("run: creating MLflow's Python environment in .mlflow (needed once per version of infra/mlflow/requirements.lock)")
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        _run_uv("venv", "-q", "--python", sys.executable, str(ENVIRONMENT))
        # The lock lacks packages that MLflow names and a server does not use, so uv must not look for them.
        install = ("pip", "install", "-q", "--no-deps", "--require-hashes", "--compile-bytecode", "-r", str(LOCK))
        _run_uv(*install, "--python", str(ENVIRONMENT / "bin" / "python"))
        _STAMP.write_text(_hash_lock())


def _run_uv(*arguments: str) -> None:
    # The certificates of the machine, as in ./run.
    env = os.environ | {"UV_SYSTEM_CERTS": "1", "UV_NO_PROGRESS": "1"}
    result = subprocess.run([venv_bin("uv"), *arguments], env=env, capture_output=True, text=True, cwd=_FOLDER)
    if result.returncode:
        reason = find_cause(result.stdout + result.stderr)
        raise StackError(f"MLflow's environment could not be made: {reason}. Check the network, then type the command again.")


def write_lock() -> None:
    """For the same platform as requirements.lock."""
    platform = ("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28")
    plain = ("--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate")
    files = ("--overrides", "overrides.txt", "requirements.in", "-o", LOCK.name)
    _run_uv("pip", "compile", "-q", *platform, *plain, *files)


def find_program(name: str) -> Path:
    return ENVIRONMENT / "bin" / name


if __name__ == "__main__":
    write_lock()
