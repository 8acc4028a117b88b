"""Ports that are taken: by whom, and whether they stay so."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cdp.settings import load
from infra.stack import doctor, processes
from infra.stack.services import BY_NAME
from infra.stack.stack import Stack

REDIS = (BY_NAME["redis"],)


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder


def found(holder: socket.socket) -> doctor.Finding:
    stack = Stack(load({"CDP_STACK": "ports", "CDP_REDIS_PORT": str(holder.getsockname()[1])}))
    (finding,) = doctor._ports(stack, REDIS)
    return finding


def nobody(port: int) -> psutil.Process | None:
    return None


def test_port_of_one_who_is_ending_is_waited_for(taken: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "port_holder", nobody)
    threading.Timer(0.3, taken.close).start()
    assert found(taken).ok


def test_port_that_nobody_is_seen_to_hold_and_stays_taken_is_told_of(
    taken: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "port_holder", nobody)
    monkeypatch.setattr(processes, "LETTING_GO", 0.2)
    assert found(taken).found == "Redis: taken by another process"


def test_one_who_is_seen_is_named_at_once(taken: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "let_go", lambda host, port: pytest.fail("it waits"))
    assert "taken by python" in found(taken).found


#: Listens on a port and holds so much memory that its end takes a moment; knows nothing of its stack but the folder.
LARGE = """
import mmap, socket
holder = socket.create_server(("127.0.0.1", 0))
memory = mmap.mmap(-1, 2**30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
print(holder.getsockname()[1], flush=True)
input()
"""


@pytest.mark.subprocess
def test_killed_process_that_gives_its_memory_back_is_waited_for_until_its_port_is_free(tmp_path: Path) -> None:
    stack = Stack(load({"CDP_STACK": "ending", "CDP_VAR_DIR": str(tmp_path)}))
    stack.state.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", LARGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=stack.state,
        start_new_session=True,
    ) as large:
        assert large.stdout is not None
        port = int(large.stdout.readline())
        large.kill()
        assert processes.end_all(stack) == 1
        assert processes.port_free("127.0.0.1", port)
