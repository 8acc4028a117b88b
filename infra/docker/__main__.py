"""The program that containers of our image run: python -m infra.docker serve|prepare|await|probe SERVICE.

Command, environment, preparation and probe of each service come from infra/stack/services, as in the native stack. There is no
supervisor here: Docker restarts containers, and its health check runs `probe`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from cdp.errors import did_you_mean
from cdp.settings import SettingError
from infra.stack.service import Service, Unhealthy
from infra.stack.services import BY_NAME
from infra.stack.stack import Stack, StackError, open_stack

USAGE = "usage: python -m infra.docker serve|prepare|await|probe SERVICE"
PAUSE = 1.0

T = TypeVar("T")


def serve(stack: Stack, service: Service) -> None:
    """Replace this process with the service, which also gets the container's environment."""
    home = stack.run_dir / service.name
    home.mkdir(parents=True, exist_ok=True)
    os.chdir(home)
    command = service.command(stack)
    os.execvpe(command.argv[0], command.argv, os.environ | stack.base_env | command.env)


def prepare(stack: Stack, service: Service) -> None:
    """Create what the service needs before its first start: tables, folders, an administrator. Safe to repeat."""
    steps = service.prepare
    if steps is None:
        raise StackError(f"{service.title} needs no preparation.")
    stack.run_dir.mkdir(parents=True, exist_ok=True)
    # Each volume can be removed alone, so a stamp here may describe a store that is gone.
    for stamp in stack.run_dir.glob(stack.stamp_file("*").name):
        stamp.unlink(missing_ok=True)
    _retry_until_healthy(lambda: steps(stack), stack.settings.start_timeout)


def wait(stack: Stack, service: Service) -> None:
    """Return when the service is healthy. Kafka's probe creates the topics."""
    print(_retry_until_healthy(lambda: service.check_health(stack.settings), stack.settings.start_timeout))


def probe(stack: Stack, service: Service) -> None:
    print(service.check_health(stack.settings))


VERBS: dict[str, Callable[[Stack, Service], None]] = {"serve": serve, "prepare": prepare, "await": wait, "probe": probe}


def _retry_until_healthy(action: Callable[[], T], seconds: float) -> T:
    """Repeat the action until it succeeds and return its result; after `seconds`, raise its last Unhealthy."""
    retry = retry_if_exception_type(Unhealthy)
    return Retrying(retry=retry, stop=stop_after_delay(seconds), wait=wait_fixed(PAUSE), reraise=True)(action)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in VERBS:
        print(USAGE, file=sys.stderr)
        return 2
    verb, name = arguments
    if name not in BY_NAME:
        print(f"{name!r} is not a service; {did_you_mean(name, BY_NAME)}", file=sys.stderr)
        return 2
    try:
        VERBS[verb](open_stack(), BY_NAME[name])
    except (StackError, SettingError, Unhealthy) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
