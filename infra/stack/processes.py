"""The processes of a stack as the operating system sees them: which belong to it, what they hold, and how to end them."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from itertools import pairwise
from pathlib import Path
from typing import Literal

import psutil

from infra.stack.stack import MARKER, Stack

#: Describes the holder of a port that can't be inspected: another user's process, or one that is ending.
UNKNOWN_PROCESS = "another process"
#: A killed JVM gives back its memory before it releases its ports.
RELEASE_SECONDS = 5.0


def find_processes(stack: Stack) -> list[psutil.Process]:
    """Every process that was started for this stack, even if its supervisor is gone.

    These processes carry the marker in their environment. For some it can't be read: a program may have overwritten it (for
    a nicer title), and a killed JVM gives back its memory for seconds before it releases its ports. Those are recognised by
    their working directory, which is in the stack's folder (so no service may change it), and because unlike a person's
    shell they have no terminal.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in own and belongs(process, stack)]


def belongs(process: psutil.Process, stack: Stack) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if _read_marker(process) == str(stack.state):
            return True
        return process.terminal() is None and Path(process.cwd()).is_relative_to(stack.state)
    return False


def _read_marker(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get(MARKER)
    return None


def end_all(stack: Stack) -> int:
    """Terminate every process of the stack, kill those that do not end, and return how many there were."""
    running = find_processes(stack)
    for process in running:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(running, timeout=5)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return len(running)


def measure_memory(pid: int) -> int:
    """Bytes that a process and its children hold; each shared page counts once (PSS)."""
    total = 0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error, AttributeError):
                total += process.memory_full_info().pss
    return total


def measure_executors(application: str) -> tuple[int, int]:
    """Bytes (PSS) that the executors of a Spark application hold on this machine, and those that their Python workers hold."""
    jvms = pythons = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, AttributeError):
            if ("--app-id", application) in pairwise(process.cmdline()):
                jvms += process.memory_full_info().pss
                pythons += sum(measure_memory(child.pid) for child in process.children())
    return jvms, pythons


def is_port_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def find_port_holder(port: int) -> psutil.Process | None:
    """The process that listens on a port, if this user may see it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,) and connection.pid:
                return psutil.Process(connection.pid)
    return None


def find_port_owner(stack: Stack, port: int) -> Literal["nobody", "the stack", "another"]:
    if is_port_free(stack.settings.host, port):
        return "nobody"
    holder = find_port_holder(port)
    return "the stack" if holder is not None and belongs(holder, stack) else "another"


def wait_until_free(host: str, port: int) -> bool:
    """Whether a port without a visible holder becomes free: a process that was just killed holds it a moment longer."""
    deadline = time.monotonic() + RELEASE_SECONDS
    while not is_port_free(host, port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def describe(process: psutil.Process | None) -> str:
    if process is None:
        return UNKNOWN_PROCESS
    with contextlib.suppress(psutil.Error):
        return f"{process.name()} (pid {process.pid})"
    return UNKNOWN_PROCESS
