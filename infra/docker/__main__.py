"""What a container of our image runs: python -m infra.docker serve|prepare|await|probe SERVICE.

The services are those of infra/stack/services: their command, environment, preparation and probe stand there and only
there, for the native stack and for containers alike. No supervisor here: Docker restarts, and the health check asks `probe`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from cdp.settings import SettingError
from infra.stack.service import Service, Unhealthy
from infra.stack.services import BY_NAME
from infra.stack.stack import Stack, StackError, open_stack
from infra.stack.suggest import suggest

USAGE = "usage: python -m infra.docker serve|prepare|await|probe SERVICE"
PAUSE = 1.0

T = TypeVar("T")


def serve(stack: Stack, service: Service) -> None:
    """Become the service; what the container's environment says beyond the settings stays."""
    home = stack.run_dir / service.name
    home.mkdir(parents=True, exist_ok=True)
    os.chdir(home)
    command = service.command(stack)
    os.execvpe(command.argv[0], command.argv, os.environ | stack.base_env | command.env)


def prepare(stack: Stack, service: Service) -> None:
    """Do what the service needs before its first start: tables, folders, an administrator. Safe to repeat."""
    work = service.prepare
    if work is None:
        raise StackError(f"{service.title} needs no preparation.")
    stack.run_dir.mkdir(parents=True, exist_ok=True)
    # A stamp says what was done to a store; volumes come and go one by one, so here it may be said of another store.
    for stamp in stack.run_dir.glob(stack.stamp("*").name):
        stamp.unlink(missing_ok=True)
    _until_healthy(lambda: work(stack), stack.settings.start_timeout)


def wait(stack: Stack, service: Service) -> None:
    """Return when the service is healthy; the probe of Kafka makes the topics on its way."""
    print(_until_healthy(lambda: service.health(stack.settings), stack.settings.start_timeout))


def probe(stack: Stack, service: Service) -> None:
    print(service.health(stack.settings))


VERBS: dict[str, Callable[[Stack, Service], None]] = {"serve": serve, "prepare": prepare, "await": wait, "probe": probe}


def _until_healthy(ask: Callable[[], T], seconds: float) -> T:
    """The answer, as soon as there is one; the last finding when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except Unhealthy:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in VERBS:
        print(USAGE, file=sys.stderr)
        return 2
    verb, name = arguments
    if name not in BY_NAME:
        print(f"{name!r} is not a service.{suggest(name, BY_NAME)}", file=sys.stderr)
        return 2
    try:
        VERBS[verb](open_stack(), BY_NAME[name])
    except (StackError, SettingError, Unhealthy) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
