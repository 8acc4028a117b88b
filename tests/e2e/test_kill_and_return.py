"""Servers die and come back with what they held; a stack that is stopped leaves nothing behind.

On the stack of the end-to-end tests, after them: it has every service, and data of a day's work.
"""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime

import pytest
import redis

from cdp.programs import HEARTBEAT
from cdp.settings import Settings
from infra.stack import processes, status
from infra.stack.lifecycle import levels
from infra.stack.services import BY_NAME, SERVICES
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor
from tests.e2e.conftest import typed
from tests.faults import keepsakes

BACK_WITHIN = 30
AT_ONCE = 3
#: Some at a time, of which none needs another.
GROUPS = [
    tuple(service.name for service in level[first : first + AT_ONCE])
    for level in ([service for service in level if service in SERVICES] for level in levels())
    for first in range(0, len(level), AT_ONCE)
]

pytestmark = [pytest.mark.subprocess, pytest.mark.timeout(300)]


@pytest.fixture
def servers(shop: Settings) -> Stack:
    return Stack(shop)


def states(stack: Stack, *names: str) -> dict[str, str]:
    services = tuple(BY_NAME[name] for name in names) or SERVICES
    return {
        line.service: line.state if line.state == "healthy" else f"{line.state}: {line.wrong}"
        for line in status.statuses(stack, services)
    }


def await_health(stack: Stack, *names: str, within: float = BACK_WITHIN) -> None:
    deadline = time.monotonic() + within
    while set((found := states(stack, *names)).values()) != {"healthy"}:
        assert time.monotonic() < deadline, found
        time.sleep(0.3)


@pytest.mark.parametrize("names", GROUPS, ids=" ".join)
def test_killed_services_are_back_with_their_data(names: tuple[str, ...], servers: Stack) -> None:
    kept = keepsakes.leave(servers.settings)
    before = {name: Supervisor(servers).state(name).pid for name in names}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    killed, killed_at = time.monotonic(), datetime.now(UTC)
    for name, pid in before.items():
        while Supervisor(servers).state(name).pid in (pid, 0):
            assert time.monotonic() < killed + BACK_WITHIN, f"{name} was not started again"
            time.sleep(0.1)
    await_health(servers, *names, within=killed + BACK_WITHIN - time.monotonic())
    for name in names:
        while not heard_of_since(servers, name, killed_at):
            assert time.monotonic() < killed + BACK_WITHIN, f"the heartbeat of {name} is from before"
            time.sleep(0.3)
    await_health(servers)
    assert set(keepsakes.found(servers.settings, kept).values()) == {True}


def heard_of_since(stack: Stack, name: str, moment: datetime) -> bool:
    """A heartbeat stays good for a while after a death: here only one of the new process counts."""
    if name == "celery-beat":
        beat = redis.Redis.from_url(stack.settings.redis_url).get(HEARTBEAT)
        return beat is not None and float(beat) > moment.timestamp()
    says = status.statuses(stack, (BY_NAME[name],))[0].detail
    if not says.startswith("heartbeat "):
        return True
    return datetime.fromisoformat(says.removeprefix("heartbeat ")) > moment


def test_all_killed_at_once_come_up_with_their_data(servers: Stack) -> None:
    kept = keepsakes.leave(servers.settings)
    for process in processes.of_stack(servers):
        process.kill()
    typed("up")
    assert keepsakes.found(servers.settings, kept) == dict.fromkeys(keepsakes.STORES, True)


def test_down_leaves_no_process_and_no_port_and_up_finds_the_data(servers: Stack) -> None:
    kept = keepsakes.leave(servers.settings)
    typed("down")
    assert processes.of_stack(servers) == []
    held = [field for service in SERVICES for field in service.ports if not free(servers, field)]
    assert held == []
    typed("up", *keepsakes.STORES)
    assert set(keepsakes.found(servers.settings, kept).values()) == {True}


def free(stack: Stack, field: str) -> bool:
    return processes.port_free(stack.settings.host, getattr(stack.settings, field))
