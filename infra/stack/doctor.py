"""What the machine needs before anything starts: one list of checks, each with what it found and the remedy."""

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
from infra.stack.stack import JAVA_VERSIONS, NO_JAVA, Stack, StackError, java_home
from infra.stack.tools import jars_current

MIN_FILES = 4096
MAKE_WRITABLE = "Make it writable, or set CDP_VAR_DIR to a directory that is."


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; a remedy where it failed."""

    what: str
    found: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return not self.remedy


def _python(stack: Stack) -> Finding:
    return Finding("Python", platform.python_version())


def _java(stack: Stack) -> Finding:
    home = java_home()
    if home:
        return Finding("Java", home)
    return Finding("Java", f"no JDK {JAVA_VERSIONS[0]} to {JAVA_VERSIONS[1]}", NO_JAVA)


def _maven(stack: Stack) -> Finding:
    if jars_current():
        return Finding("Maven", "not needed, the jars are here")
    found = shutil.which("mvn")
    return Finding("Maven", found or "missing", "" if found else "Install it: apt-get install maven")


def _memory(stack: Stack) -> Finding:
    free, need = psutil.virtual_memory().available // 2**20, stack.settings.min_memory_mb
    remedy = f"Free some, or lower CDP_MIN_MEMORY_MB ({need}) and the heaps in docs/settings.md." if free < need else ""
    return Finding("Memory", f"{free} MB available", remedy)


def _disk(stack: Stack) -> Finding:
    """Free space where the state lives."""
    place = stack.settings.var_dir
    while not place.exists():
        place = place.parent
    free, need = shutil.disk_usage(place).free // 2**20, stack.settings.min_disk_mb
    remedy = f"The stack needs {need} MB there: free some, or set CDP_VAR_DIR to a larger disk." if free < need else ""
    return Finding("Disk", f"{free} MB free at {place}", remedy)


def _writable(stack: Stack) -> Finding:
    try:
        stack.state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=stack.state) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return Finding("Directory", f"{stack.state}: {error.strerror}", MAKE_WRITABLE)
    return Finding("Directory", f"{stack.state} is writable")


def _files(stack: Stack) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MIN_FILES:
        return Finding("Open files", f"limit {hard}", f"Raise it: ulimit -n {MIN_FILES}")
    return Finding("Open files", f"limit {soft}")


def _hostname(stack: Stack) -> Finding:
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        return Finding("Host name", f"{name} does not resolve", f"Add it: echo '127.0.0.1 {name}' >> /etc/hosts")
    return Finding("Host name", f"{name} is {address}")


def _clock(stack: Stack) -> Finding:
    """A clock behind this very file is wrong; tokens and heartbeats would be too."""
    newest = max(path.stat().st_mtime for path in (REPOSITORY / "run", REPOSITORY / "requirements.lock"))
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    remedy = "Set it: the files of this repository are newer than that." if now < newest - 86400 else ""
    return Finding("Clock", shown, remedy)


def _ports(stack: Stack, services: tuple[Service, ...]) -> list[Finding]:
    findings = []
    for service in services:
        for field in service.ports:
            port = getattr(stack.settings, field)
            if processes.port_of(stack, port) != "another":
                continue
            who = processes.describe(processes.port_holder(port))
            if who == processes.SOMEBODY and processes.let_go(stack.settings.host, port):
                continue
            findings.append(Finding(f"Port {port}", f"{service.title}: taken by {who}", f"End it, or set {env_name(field)}."))
    return findings or [Finding("Ports", f"free or ours, {stack.settings.port_base} and up")]


CHECKS: tuple[Callable[[Stack], Finding], ...] = (_python, _java, _maven, _memory, _disk, _writable, _files, _hostname, _clock)


def examine(stack: Stack, services: tuple[Service, ...]) -> list[Finding]:
    return [*(check(stack) for check in CHECKS), *_ports(stack, services)]


def require(stack: Stack, services: tuple[Service, ...], *, running: bool) -> None:
    """What ./run up needs; raises with all that is wrong. A running stack has had its memory already."""
    checks = tuple(check for check in CHECKS if check not in (_java, _maven) and not (running and check is _memory))
    wrong = [finding for finding in (check(stack) for check in checks) if not finding.ok]
    wrong += [finding for finding in _ports(stack, services) if not finding.ok]
    if wrong:
        raise StackError("\n".join(f"{f.what}: {f.found}. {f.remedy}" for f in wrong))
