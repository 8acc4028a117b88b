"""The supervisor of a stack: its configuration, its states and its commands.

supervisord restarts services that die; lifecycle.py decides their order and waits until they are healthy.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.stack.service import Service
from infra.stack.services import ALL
from infra.stack.stack import Stack, StackError, write_json, write_private

LAUNCH = Path(__file__).with_name("launch.py")

HEAD = """\
[supervisord]
nodaemon=false
pidfile={run}/supervisord.pid
logfile={log}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
childlogdir={log}
directory={run}
minfds=1024

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAM = """
[program:{name}]
command={python} -I -S {launch} {run}/{name}.json
autostart=false
autorestart={restart}
exitcodes={needs_person}
startsecs=2
startretries=30
stopsignal={stop_signal}
stopwaitsecs=20
killasgroup=true
redirect_stderr=true
stdout_logfile={log}/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


YOUNG_SECONDS = 30
#: supervisord answers within milliseconds, or within `stopwaitsecs` if it waits for a process to end. If it hangs it counts as
#: gone: `./run up` and `./run down` end it together with all that it started.
ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What the supervisor knows about a service."""

    state: str  # STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL UNKNOWN
    pid: int
    since: float
    spawn_error: str

    @property
    def is_young(self) -> bool:
        """Whether it was started so recently that it may still become healthy; `./run up` waits for it."""
        return time.time() - self.since < YOUNG_SECONDS


STOPPED = ProcessState("STOPPED", 0, 0, "")


class _Connection(http.client.HTTPConnection):
    """A connection to a socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


class Supervisor:
    """A connection to the stack's supervisord."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.socket = choose_socket_directory(stack.run_dir) / "supervisor.sock"

    @property
    def _rpc(self) -> Any:
        """A new proxy for each call, because the transport is not thread-safe."""
        return xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self.socket)).supervisor

    def running(self) -> bool:
        try:
            return bool(self._rpc.getState()["statecode"] == 1)
        except (OSError, xmlrpc.client.Error):
            return False

    def configure(self) -> None:
        """Write the configuration. How a service is started is written later, by `start`."""
        parts = [HEAD.format(run=_escape(self.stack.run_dir), log=_escape(self.stack.log_dir), socket=_escape(self.socket))]
        for service in ALL:
            (self.stack.run_dir / service.name).mkdir(parents=True, exist_ok=True)
            parts.append(
                PROGRAM.format(
                    name=service.name,
                    python=_escape(Path(sys.executable)),
                    launch=_escape(LAUNCH),
                    run=_escape(self.stack.run_dir),
                    log=_escape(self.stack.log_dir),
                    stop_signal=service.stop_signal,
                    restart="unexpected" if service.needs_person else "true",
                    needs_person=service.needs_person,
                )
            )
        write_private(self.stack.run_dir / "supervisord.conf", "".join(parts))

    def start_daemon(self) -> None:
        raise_file_limit()
        config = self.stack.run_dir / "supervisord.conf"
        argv = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        result = subprocess.run(argv, env=self.stack.base_env, capture_output=True, text=True, cwd=self.stack.run_dir)
        if result.returncode:
            raise StackError(f"The supervisor does not start: {(result.stderr or result.stdout).strip().splitlines()[-1]}")
        deadline = time.monotonic() + 10
        while not self.running():
            if time.monotonic() > deadline:
                raise StackError(f"The supervisor does not answer; see {self.stack.log_dir}/supervisord.log")
            time.sleep(0.05)

    def reload_changes(self) -> None:
        """Tell a running supervisor about services that a newer version of the code adds, changes or drops."""
        added, changed, removed = self._rpc.reloadConfig()[0]
        for name in [*changed, *removed]:
            self._rpc.stopProcessGroup(name)
            self._rpc.removeProcessGroup(name)
        for name in [*changed, *added]:
            self._rpc.addProcessGroup(name)

    def states(self) -> dict[str, ProcessState]:
        if not self.running():
            return {}
        return {
            info["name"]: ProcessState(info["statename"], info["pid"], info["start"], info["spawnerr"])
            for info in self._rpc.getAllProcessInfo()
        }

    def state(self, name: str) -> ProcessState:
        info = self._rpc.getProcessInfo(name)
        return ProcessState(info["statename"], info["pid"], info["start"], info["spawnerr"])

    def start(self, service: Service) -> None:
        self.write_program(service)
        self._rpc.startProcess(service.name, False)

    def write_program(self, service: Service) -> None:
        command = service.command(self.stack)
        program = {
            "argv": list(command.argv),
            "env": self.stack.base_env | command.env,
            "directory": str(self.stack.run_dir / service.name),
            "pid_file": str(self.stack.run_dir / f"{service.name}.pid"),
        }
        write_json(self.stack.run_dir / f"{service.name}.json", program)

    def stop(self, names: list[str], timeout: float = 40) -> None:
        """Stop these services at the same time and wait until they have ended."""
        for name in names:
            try:
                self._rpc.stopProcess(name, False)
            except xmlrpc.client.Fault:
                continue  # it was not running
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            states = self.states()
            if not any(states[name].state in ("RUNNING", "STARTING", "STOPPING", "BACKOFF") for name in names if name in states):
                return
            time.sleep(0.1)

    def shutdown(self) -> None:
        pid_file = self.stack.run_dir / "supervisord.pid"
        self._rpc.shutdown()
        deadline = time.monotonic() + 40
        while pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)


def raise_file_limit() -> None:
    """Raise the limit of open files as far as the machine allows, because servers keep many open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))


def choose_socket_directory(path: Path) -> Path:
    """The path itself, or a short one in the temporary folder if it is too long: a socket's name may have 107 bytes."""
    if len(os.fsencode(path / "supervisor.sock.12345")) < 100:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"cdp-{os.getuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    return short


def _escape(path: Path) -> str:
    """supervisord expands %, so it must be doubled."""
    return str(path).replace("%", "%%")
