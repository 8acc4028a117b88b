"""./run status: probes all services at the same time; prints a table for people or JSON for programs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from infra.stack import processes
from infra.stack.service import Service, Unhealthy
from infra.stack.services import ALL, ON_DEMAND, SERVICES
from infra.stack.stack import Stack
from infra.stack.stream_progress import StreamState, stream_state
from infra.stack.supervise import STOPPED, ProcessState, Supervisor

STYLES = {"healthy": "green", "starting": "yellow", "unhealthy": "red", "restarting": "red", "gave up": "red", "stopped": "dim"}


@dataclass(frozen=True, slots=True)
class Status:
    """The health of one service: a line of the table."""

    service: str
    title: str
    state: str
    pid: int
    since: str  # ISO 8601, UTC; empty if it is not running
    seconds: int
    address: str
    memory: int  # bytes, PSS of the service with its children
    detail: str
    wrong: str
    remedy: str


def chosen(stack: Stack, names: tuple[str, ...]) -> tuple[Service, ...]:
    """The services with these names or groups; without names those of ./run up, and on-demand ones that were started."""
    if names:
        return tuple(service for service in ALL if service.name in names or service.group in names)
    states = Supervisor(stack).states()
    started = (service for service in ON_DEMAND if states.get(service.name, STOPPED).state != "STOPPED")
    return (*SERVICES, *started)


def statuses(stack: Stack, services: tuple[Service, ...]) -> list[Status]:
    states = Supervisor(stack).states()
    with ThreadPoolExecutor(len(services)) as pool:
        return list(pool.map(lambda service: _probe_service(stack, service, states.get(service.name, STOPPED)), services))


def _probe_service(stack: Stack, service: Service, process: ProcessState) -> Status:
    state, detail, wrong, remedy = _judge(stack, service, process)
    alive = process.pid > 0
    return Status(
        service=service.name,
        title=service.title,
        state=state,
        pid=process.pid,
        since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(process.since)) if alive else "",
        seconds=int(time.time() - process.since) if alive else 0,
        address=format_address(stack, service),
        memory=processes.measure_memory(process.pid) if alive else 0,
        detail=detail,
        wrong=wrong,
        remedy=remedy,
    )


def format_address(stack: Stack, service: Service) -> str:
    settings = stack.settings
    return service.address.format(**{name: getattr(settings, name) for name in settings.__slots__})


def _judge(stack: Stack, service: Service, process: ProcessState) -> tuple[str, str, str, str]:
    """State, detail, problem, remedy."""
    if process.state in ("STOPPED", "STOPPING"):
        return "stopped", "", "it is not running", f"./run up {service.name}"
    if process.state == "FATAL":
        return "gave up", "", process.spawn_error or "it keeps dying", f"./run logs {service.name}"
    if process.state == "EXITED" and service.needs_person:
        return "gave up", "", "it ended and an operator must act; see the last line of its log", f"./run logs {service.name}"
    if process.state in ("BACKOFF", "EXITED"):
        return "restarting", "", process.spawn_error or "it died and is started again", f"./run logs {service.name}"
    try:
        return "healthy", service.check_health(stack.settings), "", ""
    except Unhealthy as error:
        young = process.state == "STARTING" or process.is_young
        return "starting" if young else "unhealthy", "", error.wrong, error.remedy


def as_json(services: list[Status], stream: StreamState | None) -> dict[str, object]:
    return {
        "stream": stream and stream.as_json(),
        "healthy": all(status.state == "healthy" for status in services),
        "memory": sum(status.memory for status in services),
        "services": [asdict(status) for status in services],
    }


def show(stack: Stack, services: list[Status], stream: StreamState | None) -> None:
    table = Table(title=None, box=None, pad_edge=False, header_style="bold")
    for column in ("service", "state", "since", "memory", "address", "details"):
        table.add_column(column, justify="right" if column == "memory" else "left", no_wrap=column != "details", overflow="fold")
    for status in services:
        details = status.detail if not status.wrong else f"{status.wrong} → {status.remedy}"
        memory = f"{status.memory // 2**20} MB" if status.memory else ""
        shown_state = f"[{STYLES[status.state]}]{status.state}[/]"
        table.add_row(
            status.service, shown_state, format_age(status.seconds) if status.since else "", memory, status.address, details
        )
    console = Console(width=None if Console().is_terminal else 200, highlight=False)
    console.print(table)
    healthy = sum(status.state == "healthy" for status in services)
    total = sum(status.memory for status in services) / 2**30
    if stream:
        console.print(f"\nstream: {stream}")
    console.print(f"\nstack {stack.settings.stack}: {healthy} of {len(services)} services healthy, {total:.1f} GB of memory")


def stream(stack: Stack, services: list[Status]) -> StreamState | None:
    """The state of the stream; None unless Kafka and Postgres are healthy, so nobody waits for a server that is down."""
    healthy = {status.service for status in services if status.state == "healthy"}
    return stream_state(stack.settings) if {"kafka", "postgres"} <= healthy else None


def format_age(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
