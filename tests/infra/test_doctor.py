"""Ports that are taken: the report names the holder, and waits if it is ending."""

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
def occupied_port() -> Iterator[socket.socket]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder


def check_port(holder: socket.socket) -> doctor.MachineFinding:
    stack = Stack(load({"CDP_STACK": "ports", "CDP_REDIS_PORT": str(holder.getsockname()[1])}))
    (finding,) = doctor._check_ports(stack, REDIS)
    return finding


def find_nobody(port: int) -> psutil.Process | None:
    return None


def test_a_port_whose_holder_is_ending_is_waited_for(occupied_port: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "find_port_holder", find_nobody)
    threading.Timer(0.3, occupied_port.close).start()
    assert check_port(occupied_port).ok


def test_a_port_that_stays_taken_without_a_visible_holder_is_reported(
    occupied_port: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "find_port_holder", find_nobody)
    monkeypatch.setattr(processes, "RELEASE_SECONDS", 0.2)
    assert check_port(occupied_port).value == "needed by Redis, taken by another process"


def test_a_visible_holder_is_named_at_once(occupied_port: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "wait_until_free", lambda host, port: pytest.fail("it waits"))
    assert "taken by python" in check_port(occupied_port).value


#: Listens on a port, and holds so much memory that its end takes a moment. Only its folder shows that it belongs to the stack.
LARGE = """
import mmap, socket
holder = socket.create_server(("127.0.0.1", 0))
memory = mmap.mmap(-1, 2**30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
print(holder.getsockname()[1], flush=True)
input()
"""


@pytest.mark.subprocess
def test_end_all_waits_until_a_large_killed_process_has_released_its_port(tmp_path: Path) -> None:
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
        assert processes.end_all(stack) <= 1  # it may have ended already
        assert processes.is_port_free("127.0.0.1", port)
