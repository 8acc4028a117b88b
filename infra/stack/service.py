"""The description of a service, which the supervisor, the health table and the tests all read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cdp.settings import Settings
from infra.stack.stack import Stack


class Unhealthy(Exception):
    """Raised by a probe: what is wrong, and what to do about it."""

    def __init__(self, wrong: str, remedy: str = "") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class StartCommand:
    """How a program is started: its arguments, and its environment beyond that of the stack."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """One service: an entry of the supervisor's configuration."""

    name: str
    title: str
    needs: tuple[str, ...]
    ports: tuple[str, ...]  # fields of Settings
    command: Callable[[Stack], StartCommand]
    probe: Callable[[Settings], str]  # returns a description of its health, or raises Unhealthy
    ready: Callable[[Settings], str] | None = None  # not yet healthy, but enough for the services that need it
    brings: tuple[str, ...] = ()  # services that start after this one, but without which it can't be healthy
    group: str = ""  # several services may be started by this name
    prepare: Callable[[Stack], None] | None = None  # before each start by ./run up; safe to repeat
    address: str = ""  # a template over the settings
    stop_signal: str = "TERM"
    #: Seconds that ./run up waits for the health of a service that is ready. Then it says what is wrong and goes on, because an
    #: operator repairs it while the service runs. 0: an unhealthy service fails the start.
    patience: float = 0
    needs_person: int = 0  # exit status after which it is not restarted: an operator must act

    def check_health(self, settings: Settings) -> str:
        return self._run_probe(self.probe, settings)

    def check_readiness(self, settings: Settings) -> str:
        return self._run_probe(self.ready or self.probe, settings)

    def _run_probe(self, probe: Callable[[Settings], str], settings: Settings) -> str:
        """A probe that fails in any other way counts as Unhealthy, so it can't keep other services from being probed."""
        try:
            return probe(settings)
        except Unhealthy:
            raise
        except Exception as error:
            raise Unhealthy(f"{type(error).__name__}: {error}", f"./run logs {self.name}") from error
