"""A stack with all services, which is empty at first, so data of other tests can't change the numbers."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from cdp.settings import Settings, load
from tests.conftest import TestStack
from tests.faults.command import CommandResult, run
from tests.jvm import SMALL_DATA

STACK = "e2e"


def run_verb(*arguments: str, timeout: int = 600, **settings: str) -> CommandResult:
    """Run a command as a person types it; it must succeed. `settings` are for this command only."""
    result = run(*arguments, stack=STACK, env={"CDP_SPARK_JAVA_OPTIONS": SMALL_DATA} | settings, timeout=timeout)
    assert result.code == 0, f"./run {' '.join(arguments)}\n{result.out}\n{result.err}"
    return result


@pytest.fixture(scope="session")
def shop(test_stack: TestStack) -> Iterator[Settings]:
    test_stack.rest()  # the machine can't carry two stacks
    run("reset", "--yes", stack=STACK)
    run_verb("up")
    yield load({"CDP_STACK": STACK})
    run("reset", "--yes", stack=STACK)


@pytest.fixture
def page(chromium: Browser, shop: Settings) -> Iterator[Page]:
    """A page that is logged in as the administrator. A request to another host or an error in the console fails the test."""
    context = chromium.new_context(base_url=shop.web_url)
    page = context.new_page()
    problems: list[str] = []
    page.on(
        "request",
        lambda request: None if request.url.startswith((shop.web_url, "data:", "blob:")) else problems.append(request.url),
    )
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto("/")
    page.get_by_label("Username").fill(shop.admin_user)
    page.get_by_label("Password").fill(shop.admin_password)
    page.get_by_role("button", name="Log in").click()
    yield page
    context.close()
    assert problems == []


class Airflow:
    """Airflow's REST API, as another program would use it."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.airflow_url
        login = {"username": settings.admin_user, "password": settings.airflow_password}
        self.token = self._request("POST", "/auth/token", login)["access_token"]

    def _request(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {getattr(self, 'token', '')}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def run_night(self, day: str, timeout: int = 500) -> str:
        """Trigger the night of a day, wait for its end and return its state."""
        self._request("PATCH", "/api/v2/dags/night", {"is_paused": False})
        started = self._request("POST", "/api/v2/dags/night/dagRuns", {"logical_date": None, "conf": {"day": day}})
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            state = self._request("GET", f"/api/v2/dags/night/dagRuns/{started['dag_run_id']}")["state"]
            if state in ("success", "failed"):
                return str(state)
            time.sleep(1)
        return "not ended"


@pytest.fixture
def airflow(shop: Settings) -> Airflow:
    return Airflow(shop)
