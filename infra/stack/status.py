"""The health of the stack: every service probed at once, as a table for people and as JSON for programs."""

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
    """One line of the table."""

    service: str
    title: str
    state: str
    pid: int
    since: str  # ISO 8601, UTC; empty where it does not run
    seconds: int
    address: str
    memory: int  # bytes, PSS of the service with its children
    detail: str
    wrong: str
    remedy: str


def chosen(stack: Stack, names: tuple[str, ...]) -> tuple[Service, ...]:
    """Those that are named, also by their group; else all that a plain start brings up, and what was started besides."""
    if names:
        return tuple(service for service in ALL if service.name in names or service.group in names)
    known = Supervisor(stack).states()
    besides = (service for service in ON_DEMAND if known.get(service.name, STOPPED).state != "STOPPED")
    return (*SERVICES, *besides)


def statuses(stack: Stack, services: tuple[Service, ...]) -> list[Status]:
    known = Supervisor(stack).states()
    with ThreadPoolExecutor(len(services)) as pool:
        return list(pool.map(lambda service: _status(stack, service, known.get(service.name, STOPPED)), services))


def _status(stack: Stack, service: Service, process: ProcessState) -> Status:
    state, detail, wrong, remedy = _judge(stack, service, process)
    alive = process.pid > 0
    return Status(
        service=service.name,
        title=service.title,
        state=state,
        pid=process.pid,
        since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(process.since)) if alive else "",
        seconds=int(time.time() - process.since) if alive else 0,
        address=address(stack, service),
        memory=processes.memory(process.pid) if alive else 0,
        detail=detail,
        wrong=wrong,
        remedy=remedy,
    )


def address(stack: Stack, service: Service) -> str:
    settings = stack.settings
    return service.address.format(**{name: getattr(settings, name) for name in settings.__slots__})


def _judge(stack: Stack, service: Service, process: ProcessState) -> tuple[str, str, str, str]:
    """State, detail, what is wrong, what to do."""
    if process.state in ("STOPPED", "STOPPING"):
        return "stopped", "", "it is not running", f"./run up {service.name}"
    if process.state == "FATAL":
        return "gave up", "", process.said or "it died again and again", f"./run logs {service.name}"
    if process.state == "EXITED" and service.needs_person:
        return "gave up", "", "it ended and needs a person; the last line of its log says what for", f"./run logs {service.name}"
    if process.state in ("BACKOFF", "EXITED"):
        return "restarting", "", process.said or "it died", f"./run logs {service.name}"
    try:
        return "healthy", service.health(stack.settings), "", ""
    except Unhealthy as error:
        young = process.state == "STARTING" or process.is_young
        return "starting" if young else "unhealthy", "", error.wrong, error.remedy


def as_json(found: list[Status], stream: StreamState | None) -> dict[str, object]:
    return {
        "stream": stream and stream.as_json(),
        "healthy": all(status.state == "healthy" for status in found),
        "memory": sum(status.memory for status in found),
        "services": [asdict(status) for status in found],
    }


def show(stack: Stack, found: list[Status], stream: StreamState | None) -> None:
    table = Table(title=None, box=None, pad_edge=False, header_style="bold")
    for column in ("service", "state", "since", "memory", "address", "what it says"):
        table.add_column(
            column, justify="right" if column == "memory" else "left", no_wrap=column != "what it says", overflow="fold"
        )
    for status in found:
        says = status.detail if not status.wrong else f"{status.wrong} → {status.remedy}"
        memory = f"{status.memory // 2**20} MB" if status.memory else ""
        shown_state = f"[{STYLES[status.state]}]{status.state}[/]"
        table.add_row(status.service, shown_state, _ago(status.seconds) if status.since else "", memory, status.address, says)
    console = Console(width=None if Console().is_terminal else 200, highlight=False)
    console.print(table)
    healthy = sum(status.state == "healthy" for status in found)
    total = sum(status.memory for status in found) / 2**30
    if stream:
        console.print(f"\nstream: {stream}")
    console.print(f"\nstack {stack.settings.stack}: {healthy} of {len(found)} services healthy, {total:.1f} GB of memory")


def stream(stack: Stack, found: list[Status]) -> StreamState | None:
    """Asked only of servers that have just been found healthy, so that nobody waits."""
    healthy = {status.service for status in found if status.state == "healthy"}
    return stream_state(stack.settings) if {"kafka", "postgres"} <= healthy else None


def _ago(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
