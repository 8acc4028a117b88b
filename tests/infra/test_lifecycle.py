"""How long a start waits for a service, without servers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cdp.settings import Settings, load
from infra.stack import lifecycle
from infra.stack.lifecycle import Launch
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.stack import Stack, StackError
from infra.stack.supervise import ProcessState


class Processes:
    """Starts nothing and says that everything runs."""

    def states(self) -> dict[str, ProcessState]:
        return {}

    def state(self, name: str) -> ProcessState:
        return ProcessState("RUNNING", 1, 0.0, "")

    def start(self, service: Service) -> None:
        pass


def be_well(settings: Settings) -> str:
    return "well"


def need_repair(settings: Settings) -> str:
    raise Unhealthy("it needs a person", "repair it")


def make_service(**changes: Any) -> Service:
    service = Service("connect", "Connect", (), (), lambda stack: StartCommand(()), probe=be_well, ready=be_well)
    return replace(service, **changes)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Service], Launch]:
    monkeypatch.setattr(lifecycle, "POLL", 0.01)
    stack = Stack(load({"CDP_VAR_DIR": "/nonexistent", "CDP_START_TIMEOUT": "1"}))

    def run(service: Service) -> Launch:
        start = Launch(stack, Processes(), (service,))  # type: ignore[arg-type]
        start.run()
        return start

    return run


def test_a_healthy_service_is_waited_for(launch: Callable[[Service], Launch]) -> None:
    assert launch(make_service()).unhealthy == []


def test_a_service_that_an_operator_repairs_stays_up(launch: Callable[[Service], Launch]) -> None:
    start = launch(make_service(probe=need_repair, patience=0.05))
    assert start.unhealthy == ["connect"]
    assert start.ready["connect"].is_set()


@pytest.mark.parametrize("changes", [{"probe": need_repair}, {"probe": need_repair, "ready": need_repair, "patience": 0.05}])
def test_any_other_unhealthy_service_fails_the_start(launch: Callable[[Service], Launch], changes: dict[str, Any]) -> None:
    with pytest.raises(StackError, match="it needs a person"):
        launch(make_service(**changes))
