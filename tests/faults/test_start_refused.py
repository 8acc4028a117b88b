"""A start that can't succeed ends with one clear line and exit status 1, and leaves nothing half-started."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp.settings import load
from infra.stack import processes
from infra.stack.stack import Stack
from tests.faults.command import RUN, CommandResult, run, state_of

STACK = "faults"
pytestmark = pytest.mark.subprocess


@pytest.fixture(autouse=True)
def stack() -> Iterator[Stack]:
    """A stack of the test's own, removed afterwards."""
    yield Stack(load({"CDP_STACK": STACK}))
    run("down", stack=STACK)
    shutil.rmtree(state_of(STACK), ignore_errors=True)


def assert_refused(result: CommandResult, stack: Stack, *fragments: str) -> None:
    lines = [line for line in result.err.splitlines() if line.startswith("run: ") and "stopping what" not in line]
    assert result.code == 1
    assert len(lines) == 1, result.err
    for fragment in fragments:
        assert fragment in lines[0]
    assert "Traceback" not in result.err
    assert processes.find_processes(stack) == []


def test_a_taken_port_is_named_with_its_holder(stack: Stack) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", stack.settings.redis_port))
        holder.listen()
        result = run("up", "redis", stack=STACK)
    assert_refused(result, stack, f"Port {stack.settings.redis_port}: needed by Redis, taken by ", "set CDP_REDIS_PORT")


def test_a_missing_java_is_named_with_the_command_that_installs_it(stack: Stack) -> None:
    hide = "mount -t tmpfs none /usr/lib/jvm"
    result = run("up", "mongo", stack=STACK, inside=hide, env={"CDP_APT": "no", "JAVA_HOME": "", "PATH": "/usr/bin:/bin"})
    assert_refused(result, stack, "A JDK 17 (to 21) is missing.", "apt-get install openjdk-17-jdk-headless")


def test_a_small_disk_is_refused_before_anything_starts(stack: Stack, tmp_path: Path) -> None:
    small = f"mount -t tmpfs -o size=64m none {tmp_path}"
    result = run("up", "redis", stack=STACK, inside=small, env={"CDP_VAR_DIR": str(tmp_path)})
    assert_refused(result, stack, "Disk: 6", "set CDP_VAR_DIR to a larger disk")


def test_a_disk_that_fills_during_the_start_is_reported(stack: Stack, tmp_path: Path) -> None:
    small = f"mount -t tmpfs -o size=8m none {tmp_path}"
    env = {"CDP_VAR_DIR": str(tmp_path), "CDP_MIN_DISK_MB": "0"}
    result = run("up", "postgres", "redis", stack=STACK, inside=small, env=env)
    assert_refused(result, Stack(load({"CDP_STACK": STACK, **env})), "Postgres could not be set up", "No space left on device")


def test_a_read_only_directory_is_named(stack: Stack, tmp_path: Path) -> None:
    read_only = f"mount -t tmpfs -o ro none {tmp_path}"
    result = run("up", "redis", stack=STACK, inside=read_only, env={"CDP_VAR_DIR": str(tmp_path)})
    assert_refused(result, stack, f"{tmp_path}", "Read-only file system", "Make it writable, or set CDP_VAR_DIR")


def test_a_second_up_during_the_first_is_refused(stack: Stack) -> None:
    environ = {"PATH": "/usr/bin:/bin", "CDP_STACK": STACK, "HOME": "/nonexistent"}
    with subprocess.Popen([str(RUN), "up", "kafka", "redis"], env=environ, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        lines = [""]
        while "Redis" not in lines[-1]:  # healthy, while the broker is still starting
            assert first.poll() is None, lines
            lines.append(first.stderr.readline())
        second = run("up", "redis", stack=STACK)
        lines.append(first.communicate(timeout=100)[1])
    assert first.returncode == 0, lines
    assert second.code == 1
    assert second.err.startswith(f"run: Another ./run works on the stack 'faults' now (up, pid {first.pid})")


def test_a_service_that_cannot_start_takes_the_others_down_with_it(stack: Stack) -> None:
    result = run("up", "postgres", "redis", stack=STACK, env={"CDP_REDIS_MAXMEMORY": "99999999999999999999g"})
    assert_refused(result, stack, "Redis does not start")


def test_a_misspelt_word_gets_a_suggestion() -> None:
    assert run("stauts", stack=STACK).err == "run: 'stauts' is not a verb; did you mean 'status'?\n"
    assert run("up", "kafak", stack=STACK).err == "run: 'kafak' is not a service; did you mean 'kafka'?\n"
    assert run("up", stack=STACK, env={"CDP_KAFKA_PROT": "1"}).err == (
        "run: CDP_KAFKA_PROT is not a setting; did you mean 'CDP_KAFKA_PORT'?\n"
    )
