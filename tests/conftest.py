"""For all tests: the stack named `test`, real servers for tests that ask for them, and none for those that do not.

`@pytest.mark.stack("kafka", "postgres")` brings those services up, healthy, before the test. Without the marker a test that
tries to reach a server fails, also where the code under test swallows the error.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

from tests.jvm import SMALL_DATA

os.environ.setdefault("CDP_STACK", "test")
os.environ.setdefault("CDP_SPARK_JAVA_OPTIONS", SMALL_DATA)
os.environ["TZ"] = "UTC"

import pytest

from infra.stack import lifecycle
from infra.stack.services import with_needs
from infra.stack.stack import Stack, open_stack
from infra.stack.supervise import Supervisor
from tests.chromium import chromium
from tests.examples import limit_examples

#: Importing the second one defines a profile of Hypothesis before the command line asks for it.
__all__ = ["chromium", "limit_examples"]

#: Markers that may open connections: to servers of the test stack, to a local Spark, or from programs of the test's own.
REACHING = ("stack", "browser", "spark", "subprocess")


#: Tests with a browser come late: Playwright leaves an event loop in this thread, where others could start none.
#: The end-to-end tests share a stack: the first ones need it empty, and the last ones kill it.
LAST = ("browser", "e2e", "test_shop_way.py", "test_kill_and_return.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: max((place for place, name in enumerate(LAST, 1) if name in item.path.parts), default=0))


class TestStack:
    """Brings services of the test stack up as tests ask for them, and ends what it started."""

    __test__ = False

    def __init__(self) -> None:
        self.found_running = Supervisor(open_stack()).running()
        self.healthy: set[str] = set()
        self.broken = ""

    def require(self, names: tuple[str, ...]) -> Stack:
        wanted = {service.name for service in with_needs(names)}
        if self.broken:
            pytest.fail(f"The test stack did not come up before: {self.broken}", pytrace=False)
        if not wanted <= self.healthy:
            try:
                lifecycle.up(open_stack(), names)
            except Exception as error:
                self.broken = str(error)
                raise
            self.healthy |= wanted
        return open_stack()

    def rest(self) -> None:
        """Stop all but Postgres, where Django's test database is until the last test."""
        if not self.found_running:
            lifecycle.stop(open_stack(), tuple(self.healthy - {"postgres"}))
            self.healthy &= {"postgres"}

    def end(self) -> None:
        if self.healthy and not self.found_running:
            lifecycle.down(open_stack())
        self.healthy.clear()


@pytest.fixture(scope="session")
def test_stack() -> Iterator[TestStack]:
    stack = TestStack()
    yield stack
    stack.end()


@pytest.fixture(autouse=True)
def servers(request: pytest.FixtureRequest) -> Stack | None:
    """The services that the test's marker names, healthy."""
    names = tuple(name for marker in request.node.iter_markers("stack") for name in marker.args)
    if not names:
        return None
    stack: Stack = request.getfixturevalue("test_stack").require(names)
    return stack


@pytest.fixture(autouse=True)
def no_servers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test without a marker that reaches for a server fails."""
    if any(request.node.get_closest_marker(name) for name in REACHING):
        yield
        return
    reached: list[str] = []

    def refuse(what: str) -> NoReturn:
        reached.append(what)
        raise RuntimeError(f"This test reaches for {what}; it needs @pytest.mark.stack(...).")

    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            refuse(f"the network at {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    # These open their connections in C, past Python's socket.
    for driver in ("psycopg", "psycopg2"):
        monkeypatch.setattr(f"{driver}.connect", lambda *_, **__: refuse("Postgres"))
    for name in ("Producer", "Consumer", "admin.AdminClient"):
        monkeypatch.setattr(f"confluent_kafka.{name}", lambda *_, **__: refuse("Kafka"))
    yield
    if reached:
        pytest.fail(f"The test reached for {', '.join(reached)} without saying so.")
