"""A stack of its own, empty, with everything running: numbers of other tests must not be among ours."""

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
from tests.faults.command import Outcome, run
from tests.jvm import SMALL_DATA

STACK = "e2e"


def typed(*arguments: str, timeout: int = 600) -> Outcome:
    """A command as a person types it, which must succeed."""
    outcome = run(*arguments, stack=STACK, env={"CDP_SPARK_JAVA_OPTIONS": SMALL_DATA}, timeout=timeout)
    assert outcome.code == 0, f"./run {' '.join(arguments)}\n{outcome.out}\n{outcome.err}"
    return outcome


@pytest.fixture(scope="session")
def shop(test_stack: TestStack) -> Iterator[Settings]:
    test_stack.rest()  # the machine need not carry two of them
    run("reset", "--yes", stack=STACK)
    typed("up")
    yield load({"CDP_STACK": STACK})
    run("reset", "--yes", stack=STACK)


@pytest.fixture
def page(chromium: Browser, shop: Settings) -> Iterator[Page]:
    """Logged in as the administrator. Whatever the page asks of another host, or says as an error, fails the test."""
    context = chromium.new_context(base_url=shop.web_url)
    page = context.new_page()
    wrong: list[str] = []
    page.on(
        "request", lambda request: None if request.url.startswith((shop.web_url, "data:", "blob:")) else wrong.append(request.url)
    )
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto("/")
    page.get_by_label("Username").fill(shop.admin_user)
    page.get_by_label("Password").fill(shop.admin_password)
    page.get_by_role("button", name="Log in").click()
    yield page
    context.close()
    assert wrong == []


class Airflow:
    """Airflow's REST API, as another program would use it."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.airflow_url
        login = {"username": settings.admin_user, "password": settings.airflow_password}
        self.token = self._ask("POST", "/auth/token", login)["access_token"]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {getattr(self, 'token', '')}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def night(self, day: str, within: int = 500) -> str:
        """Trigger the night of a day, and wait for its end."""
        self._ask("PATCH", "/api/v2/dags/night", {"is_paused": False})
        started = self._ask("POST", "/api/v2/dags/night/dagRuns", {"logical_date": None, "conf": {"day": day}})
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            state = self._ask("GET", f"/api/v2/dags/night/dagRuns/{started['dag_run_id']}")["state"]
            if state in ("success", "failed"):
                return str(state)
            time.sleep(1)
        return "not ended"


@pytest.fixture
def airflow(shop: Settings) -> Airflow:
    return Airflow(shop)
