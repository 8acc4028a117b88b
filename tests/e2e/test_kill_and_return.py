"""Killed servers come back with their data; a stack that is stopped leaves no process and no port behind.

Each of the 18 services is killed by `./run test --all`, and one of each kind by `./run test`."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime

import psutil
import pytest
import redis

from cdp.programs import HEARTBEAT
from cdp.settings import Settings
from infra.stack import processes, status
from infra.stack.lifecycle import order_levels
from infra.stack.services import BY_NAME, SERVICES
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor
from tests.e2e.conftest import run_verb
from tests.faults import keepsakes

BACK_WITHIN = 30
AT_ONCE = 3
#: Services that are killed together; none of them needs another of its group.
GROUPS = [
    tuple(service.name for service in level[first : first + AT_ONCE])
    for level in ([service for service in level if service in SERVICES] for level in order_levels())
    for first in range(0, len(level), AT_ONCE)
]
#: A JVM, a database, two programs on HTTP, and a worker without a port.
ONE_OF_EACH_KIND = [("kafka", "postgres", "source"), ("web", "celery-worker")]

pytestmark = [pytest.mark.subprocess, pytest.mark.timeout(300)]


@pytest.fixture
def servers(shop: Settings) -> Stack:
    return Stack(shop)


def read_states(stack: Stack, *names: str) -> dict[str, str]:
    services = tuple(BY_NAME[name] for name in names) or SERVICES
    return {
        line.service: line.state if line.state == "healthy" else f"{line.state}: {line.wrong}"
        for line in status.statuses(stack, services)
    }


def await_health(stack: Stack, *names: str, timeout: float = BACK_WITHIN) -> None:
    deadline = time.monotonic() + timeout
    while set((states := read_states(stack, *names)).values()) != {"healthy"}:
        assert time.monotonic() < deadline, states
        time.sleep(0.3)


@pytest.mark.parametrize(
    "names", [*ONE_OF_EACH_KIND, *(pytest.param(group, marks=pytest.mark.slow) for group in GROUPS)], ids=" ".join
)
def test_killed_services_are_back_with_their_data(names: tuple[str, ...], servers: Stack) -> None:
    keepsake = keepsakes.write(servers.settings)
    before = {name: Supervisor(servers).state(name).pid for name in names}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    killed, killed_at = time.monotonic(), datetime.now(UTC)
    for name, pid in before.items():
        while Supervisor(servers).state(name).pid in (pid, 0):
            assert time.monotonic() < killed + BACK_WITHIN, f"{name} was not started again"
            time.sleep(0.1)
    await_health(servers, *names, timeout=killed + BACK_WITHIN - time.monotonic())
    for name in names:
        while not has_heartbeat_since(servers, name, killed_at):
            assert time.monotonic() < killed + BACK_WITHIN, f"the heartbeat of {name} is from before"
            time.sleep(0.3)
    await_health(servers)
    assert set(keepsakes.check(servers.settings, keepsake).values()) == {True}


def has_heartbeat_since(stack: Stack, name: str, moment: datetime) -> bool:
    """A heartbeat stays valid for a while after a death, so only one of the new process counts."""
    if name == "celery-beat":
        beat = redis.Redis.from_url(stack.settings.redis_url).get(HEARTBEAT)
        return beat is not None and float(beat) > moment.timestamp()
    detail = status.statuses(stack, (BY_NAME[name],))[0].detail
    if not detail.startswith("heartbeat "):
        return True
    return datetime.fromisoformat(detail.removeprefix("heartbeat ")) > moment


@pytest.mark.slow
def test_all_killed_at_once_come_up_with_their_data(servers: Stack) -> None:
    keepsake = keepsakes.write(servers.settings)
    for process in processes.find_processes(servers):
        with suppress(psutil.NoSuchProcess):  # the death of its parent has ended it
            process.kill()
    run_verb("up")
    assert keepsakes.check(servers.settings, keepsake) == dict.fromkeys(keepsakes.STORES, True)


def test_down_leaves_no_process_and_no_port_and_the_data_is_there_after_up(servers: Stack) -> None:
    keepsake = keepsakes.write(servers.settings)
    run_verb("down")
    assert processes.find_processes(servers) == []
    taken_ports = [field for service in SERVICES for field in service.ports if not is_free(servers, field)]
    assert taken_ports == []
    run_verb("up", *keepsakes.STORES)
    assert set(keepsakes.check(servers.settings, keepsake).values()) == {True}


def is_free(stack: Stack, field: str) -> bool:
    return processes.is_port_free(stack.settings.host, getattr(stack.settings, field))
