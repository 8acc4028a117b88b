"""What a service of the stack is: one frozen description that the supervisor, the health table and the tests all read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cdp.settings import Settings
from infra.stack.stack import Stack


class Unhealthy(Exception):
    """A probe's finding: what is wrong, and what to do about it."""

    def __init__(self, wrong: str, remedy: str = "") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Command:
    """A program as it is started: its arguments, and what its environment has beyond the stack's."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of the supervisor."""

    name: str
    title: str
    needs: tuple[str, ...]
    ports: tuple[str, ...]  # fields of Settings
    command: Callable[[Stack], Command]
    probe: Callable[[Settings], str]  # says how it is, or raises Unhealthy
    ready: Callable[[Settings], str] | None = None  # less than healthy, but enough for those who need it
    brings: tuple[str, ...] = ()  # services without which this one cannot be healthy, though they start after it
    group: str = ""  # a name by which several are started together
    prepare: Callable[[Stack], None] | None = None  # before each start by ./run up; safe to repeat
    address: str = ""  # a template over the settings
    stop_signal: str = "TERM"
    needs_person: int = 0  # the exit status with which it says so; after another it is started again

    def health(self, settings: Settings) -> str:
        return self._asked(self.probe, settings)

    def readiness(self, settings: Settings) -> str:
        return self._asked(self.ready or self.probe, settings)

    def _asked(self, probe: Callable[[Settings], str], settings: Settings) -> str:
        """Where the probe itself falls over the service is ill: one must not keep the others from being looked at."""
        try:
            return probe(settings)
        except Unhealthy:
            raise
        except Exception as error:
            raise Unhealthy(f"{type(error).__name__}: {error}", f"./run logs {self.name}") from error
