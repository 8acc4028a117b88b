"""The processes of a stack as the machine sees them: whose they are, what they hold, and their end."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Literal

import psutil

from infra.stack.stack import MARKER, Stack

#: Who holds a port and can't be looked at: another user's process, or one that is ending.
SOMEBODY = "another process"
#: A JVM that was killed gives its memory back first.
LETTING_GO = 5.0


def of_stack(stack: Stack) -> list[psutil.Process]:
    """Every process that was started for this stack, also when its supervisor is gone.

    They carry the marker in their environment. Some have none to read: a program that wrote over it (for a nicer title),
    or one that was killed and gives back its memory, which a JVM does for seconds before it lets go of its ports. They
    still stand in a folder of the stack (so no service may change its directory to another), and unlike a person's shell
    they have no terminal.
    """
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in mine and belongs(process, stack)]


def belongs(process: psutil.Process, stack: Stack) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if _marker(process) == str(stack.state):
            return True
        return process.terminal() is None and Path(process.cwd()).is_relative_to(stack.state)
    return False


def _marker(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get(MARKER)
    return None


def end_all(stack: Stack) -> int:
    """End what is left of the stack, kindly and then not; says how many there were."""
    left = of_stack(stack)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=5)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return len(left)


def memory(pid: int) -> int:
    """Bytes a process and its children hold, shared pages counted once over all (PSS)."""
    total = 0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error, AttributeError):
                total += process.memory_full_info().pss
    return total


def port_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def port_holder(port: int) -> psutil.Process | None:
    """Who listens on a port, as far as this user may know."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,) and connection.pid:
                return psutil.Process(connection.pid)
    return None


def port_of(stack: Stack, port: int) -> Literal["nobody", "the stack", "another"]:
    """Whose it is now."""
    if port_free(stack.settings.host, port):
        return "nobody"
    holder = port_holder(port)
    return "the stack" if holder is not None and belongs(holder, stack) else "another"


def let_go(host: str, port: int) -> bool:
    """Whether a port that nobody can be seen to hold becomes free: who was just killed holds it a moment longer."""
    deadline = time.monotonic() + LETTING_GO
    while not port_free(host, port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def describe(process: psutil.Process | None) -> str:
    if process is None:
        return SOMEBODY
    with contextlib.suppress(psutil.Error):
        return f"{process.name()} (pid {process.pid})"
    return SOMEBODY
