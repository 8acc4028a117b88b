"""Up and down. A service starts as soon as the services that it needs are ready. A start that fails stops what it started and
leaves alone what was running before."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from filelock import FileLock, Timeout

from infra.stack import doctor, processes
from infra.stack.cause import find_cause
from infra.stack.secrets import ensure_secrets
from infra.stack.service import Service, Unhealthy
from infra.stack.services import ALL, SERVICES, with_dependents, with_needs
from infra.stack.stack import Stack, StackError
from infra.stack.supervise import STOPPED, Supervisor
from infra.stack.tools import ensure_jars, ensure_system, say

POLL = 0.4
#: Deaths of a service during its start after which it counts as failed.
MAX_DEATHS = 3


@contextmanager
def lock_stack(stack: Stack, verb: str) -> Iterator[None]:
    """Allow only one up, down or reset of a stack at a time; a second one fails at once."""
    path = stack.state / "working.lock"  # contains who holds it
    try:
        stack.state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path).acquire(blocking=False)
    except Timeout:
        holder = path.read_text().strip()
        raise StackError(
            f"Another ./run works on the stack {stack.settings.stack!r} now ({holder}). Wait until it has ended."
        ) from None
    except OSError as error:
        raise StackError(f"{stack.state}: {error.strerror}. {doctor.MAKE_WRITABLE}") from error
    with lock:
        path.write_text(f"{verb}, pid {os.getpid()}")
        yield


def up(stack: Stack, names: tuple[str, ...]) -> None:
    """Bring up the named services and all they need, or all services if none is named. Returns when they are healthy."""
    with lock_stack(stack, "up"):
        start(stack, with_needs(names) if names else SERVICES)


def start(stack: Stack, services: tuple[Service, ...]) -> None:
    began = time.monotonic()
    supervisor = Supervisor(stack)
    running = supervisor.running()
    if not running:
        processes.end_all(stack)
    doctor.require(stack, services, running=running)
    ensure_system(stack)
    ensure_jars()
    stack.log_dir.mkdir(exist_ok=True)
    stack.run_dir.mkdir(exist_ok=True)
    stack = ensure_secrets(stack)
    supervisor = Supervisor(stack)
    supervisor.configure()
    if running:
        supervisor.reload_changes()
    else:
        supervisor.start_daemon()
    launch = Launch(stack, supervisor, services)
    try:
        launch.run()
    except BaseException:
        say("run: stopping what this start has started")
        supervisor.stop(launch.started) if running else stop_all(stack, supervisor)
        raise
    say(f"run: {len(services) - len(launch.unhealthy)} services healthy in {time.monotonic() - began:.0f} s")


class Launch:
    """One start: a thread for each service, which waits for the services that its own needs."""

    def __init__(self, stack: Stack, supervisor: Supervisor, services: tuple[Service, ...]) -> None:
        self.stack, self.supervisor, self.services = stack, supervisor, services
        self.ready = {service.name: threading.Event() for service in services}
        self.failed: list[StackError] = []
        self.started: list[str] = []
        self.unhealthy: list[str] = []  # services that run and that an operator must repair
        self.began = time.monotonic()

    def run(self) -> None:
        already = {name for name, state in self.supervisor.states().items() if state.state in ("RUNNING", "STARTING")}
        with ThreadPoolExecutor(len(self.services)) as pool:
            try:
                for future in [pool.submit(self._try_to_bring_up, service, service.name in already) for service in self.services]:
                    future.result()
            except BaseException as error:
                self.failed.append(StackError(str(error)))
                raise
        if self.failed:
            raise self.failed[0]

    def _try_to_bring_up(self, service: Service, already: bool) -> None:
        """Record a failure; it ends the waiting of all other services."""
        try:
            self._bring_up(service, already)
        except StackError as error:
            self.failed.append(error)

    def _bring_up(self, service: Service, already: bool) -> None:
        deadline = time.monotonic() + self.stack.settings.start_timeout
        for need in service.needs:
            while not self.ready[need].wait(POLL):
                self._check_deadline(service, deadline, f"{need} is not ready")
        if not already:
            self._prepare(service, deadline)
            if self.failed:
                return
            self.started.append(service.name)
            self.supervisor.start(service)
        self._await_health(service, deadline)

    def _prepare(self, service: Service, deadline: float) -> None:
        """Prepare the service; try again while a server that the preparation uses is not healthy yet."""
        while service.prepare and not self.failed:
            try:
                service.prepare(self.stack)
            except Unhealthy as error:
                self._check_deadline(service, deadline, error.wrong)
                time.sleep(POLL)
            else:
                return

    def _await_health(self, service: Service, deadline: float) -> None:
        deaths: set[float] = set()
        ready_since = 0.0
        while not self.failed:
            self._check_deaths(service, deaths)
            try:
                if service.ready and not self.ready[service.name].is_set():
                    service.check_readiness(self.stack.settings)
                    self.ready[service.name].set()
                ready_since = ready_since or time.monotonic()
                service.check_health(self.stack.settings)
            except Unhealthy as error:
                if service.patience and ready_since and time.monotonic() > ready_since + service.patience:
                    self.unhealthy.append(service.name)
                    say(f"  {service.title:<22} runs, but {error.wrong} → {error.remedy}")
                    return
                self._check_deadline(service, deadline, error.wrong)
                time.sleep(POLL)
            else:
                self.ready[service.name].set()
                say(f"  {service.title:<22} healthy after {time.monotonic() - self.began:4.1f} s")
                return

    def _check_deaths(self, service: Service, deaths: set[float]) -> None:
        """Give up early on a service that keeps dying."""
        state = self.supervisor.state(service.name)
        if state.state in ("BACKOFF", "EXITED"):
            deaths.add(state.since)
        ended = state.state == "EXITED" and service.needs_person
        if state.state == "FATAL" or ended or len(deaths) >= MAX_DEATHS:
            raise StackError(f"{service.title} does not start: {self._find_cause(service)} (see ./run logs {service.name})")

    def _find_cause(self, service: Service) -> str:
        """The line of the service's log that explains its death."""
        log = self.stack.log_dir / f"{service.name}.log"
        return find_cause("\n".join(log.read_text(errors="replace").splitlines()[-80:])) if log.exists() else "it has no log"

    def _check_deadline(self, service: Service, deadline: float, wrong: str) -> None:
        if self.failed:
            raise StackError("another service failed")
        if time.monotonic() > deadline:
            seconds = self.stack.settings.start_timeout
            raise StackError(f"{service.title} is not healthy after {seconds} s: {wrong} (see ./run logs {service.name})")


def down(stack: Stack) -> None:
    """Stop everything. Returns when no process of the stack runs and it holds no port."""
    with lock_stack(stack, "down"):
        stop_all(stack, Supervisor(stack))
    ports = [(service.title, getattr(stack.settings, field)) for service in ALL for field in service.ports]
    # Ports that other programs hold are not our concern.
    holders = [title for title, port in ports if processes.find_port_owner(stack, port) == "the stack"]
    if holders:
        raise StackError(f"Still there: {', '.join(holders)}. They hold ports of this stack; see ./run doctor")


def stop(stack: Stack, names: tuple[str, ...]) -> list[Service]:
    """Stop the named services and those that need them, and return the ones that were running. Other services keep running."""
    with lock_stack(stack, "down"):
        supervisor = Supervisor(stack)
        running = [s for s in with_dependents(names) if supervisor.states().get(s.name, STOPPED).pid]
        for level in reversed(order_levels()):
            supervisor.stop([service.name for service in level if service in running])
        return running


def stop_all(stack: Stack, supervisor: Supervisor) -> None:
    """Stop the services in reverse order of the start, then the supervisor, then any process that is left."""
    if supervisor.running():
        for level in reversed(order_levels()):
            supervisor.stop([service.name for service in level])
        supervisor.shutdown()
    processes.end_all(stack)


def order_levels() -> list[list[Service]]:
    """Services grouped by depth: those of a level need only services of earlier levels."""
    depth: dict[str, int] = {}
    for service in ALL:
        depth[service.name] = 1 + max((depth[need] for need in service.needs), default=-1)
    return [[s for s in ALL if depth[s.name] == level] for level in range(max(depth.values()) + 1)]
