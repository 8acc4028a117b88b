"""Checks of the machine that run before anything starts. Each reports what it found and, if it failed, the remedy."""

from __future__ import annotations

import platform
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from cdp.settings import REPOSITORY, env_name
from infra.stack import processes
from infra.stack.service import Service
from infra.stack.stack import JAVA_VERSIONS, NO_JAVA, Stack, StackError, find_java_home
from infra.stack.tools import jars_are_current

MIN_FILES = 4096
MAKE_WRITABLE = "Make it writable, or set CDP_VAR_DIR to a directory that is."


@dataclass(frozen=True, slots=True)
class MachineFinding:
    """The result of one check; the remedy is empty if the check passed."""

    what: str
    value: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return not self.remedy


def _check_python(stack: Stack) -> MachineFinding:
    return MachineFinding("Python", platform.python_version())


def _check_java(stack: Stack) -> MachineFinding:
    home = find_java_home()
    if home:
        return MachineFinding("Java", home)
    return MachineFinding("Java", f"no JDK {JAVA_VERSIONS[0]} to {JAVA_VERSIONS[1]}", NO_JAVA)


def _check_maven(stack: Stack) -> MachineFinding:
    if jars_are_current():
        return MachineFinding("Maven", "not needed: the jars are here")
    path = shutil.which("mvn")
    return MachineFinding("Maven", path or "missing", "" if path else "Install it: apt-get install maven")


def _check_memory(stack: Stack) -> MachineFinding:
    free, need = psutil.virtual_memory().available // 2**20, stack.settings.min_memory_mb
    advice = f"{need} MB are needed. Free some, or lower CDP_MIN_MEMORY_MB and the heaps (docs/settings.md)."
    return MachineFinding("Memory", f"{free} MB available", advice if free < need else "")


def _check_disk(stack: Stack) -> MachineFinding:
    """Free space on the disk that holds the state."""
    directory = stack.settings.var_dir
    while not directory.exists():
        directory = directory.parent
    free, need = shutil.disk_usage(directory).free // 2**20, stack.settings.min_disk_mb
    remedy = f"The stack needs {need} MB there. Free some, or set CDP_VAR_DIR to a larger disk." if free < need else ""
    return MachineFinding("Disk", f"{free} MB free at {directory}", remedy)


def _check_writable(stack: Stack) -> MachineFinding:
    try:
        stack.state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=stack.state) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return MachineFinding("Directory", f"{stack.state}: {error.strerror}", MAKE_WRITABLE)
    return MachineFinding("Directory", f"{stack.state} is writable")


def _check_files(stack: Stack) -> MachineFinding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MIN_FILES:
        return MachineFinding("Open files", f"limit {hard}", f"Raise it: ulimit -n {MIN_FILES}")
    return MachineFinding("Open files", f"limit {soft}")


def _check_hostname(stack: Stack) -> MachineFinding:
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        return MachineFinding("Host name", f"{name} does not resolve", f"Add it: echo '127.0.0.1 {name}' >> /etc/hosts")
    return MachineFinding("Host name", f"{name} is {address}")


def _check_clock(stack: Stack) -> MachineFinding:
    """A clock that is more than a day behind these files is wrong, and so would be tokens and heartbeats."""
    newest = max(path.stat().st_mtime for path in (REPOSITORY / "run", REPOSITORY / "requirements.lock"))
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    remedy = "Set the clock: the files of this repository are newer than its time." if now < newest - 86400 else ""
    return MachineFinding("Clock", shown, remedy)


def _check_ports(stack: Stack, services: tuple[Service, ...]) -> list[MachineFinding]:
    findings = []
    for service in services:
        for field in service.ports:
            port = getattr(stack.settings, field)
            if processes.find_port_owner(stack, port) != "another":
                continue
            holder = processes.describe(processes.find_port_holder(port))
            if holder == processes.UNKNOWN_PROCESS and processes.wait_until_free(stack.settings.host, port):
                continue
            problem, remedy = f"needed by {service.title}, taken by {holder}", f"End that process, or set {env_name(field)}."
            findings.append(MachineFinding(f"Port {port}", problem, remedy))
    return findings or [MachineFinding("Ports", f"free, or used by this stack ({stack.settings.port_base} and up)")]


CHECKS: tuple[Callable[[Stack], MachineFinding], ...] = (
    _check_python,
    _check_java,
    _check_maven,
    _check_memory,
    _check_disk,
    _check_writable,
    _check_files,
    _check_hostname,
    _check_clock,
)


def examine(stack: Stack, services: tuple[Service, ...]) -> list[MachineFinding]:
    return [*(check(stack) for check in CHECKS), *_check_ports(stack, services)]


def require(stack: Stack, services: tuple[Service, ...], *, running: bool) -> None:
    """Raise with a line for each failed check of ./run up. A running stack has taken its memory already, so it is not checked."""
    checks = tuple(
        check for check in CHECKS if check not in (_check_java, _check_maven) and not (running and check is _check_memory)
    )
    failed = [finding for finding in (check(stack) for check in checks) if not finding.ok]
    failed += [finding for finding in _check_ports(stack, services) if not finding.ok]
    if failed:
        raise StackError("\n".join(f"{f.what}: {f.value}. {f.remedy}" for f in failed))
