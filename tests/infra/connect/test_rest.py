"""What Connect's answers mean, and the order of requests that change the connector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from infra.connect import operations
from infra.connect.rest import ConnectApi, ConnectError

API = ConnectApi("http://127.0.0.1:1", seconds=1)
NOT_THERE = {"error_code": 404, "message": "No status found for connector shop"}
Answer = Callable[..., list[str]]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Makes Connect give these answers, one after the other; the last again and again. Returns the requests that come."""

    def give(*answers: httpx.Response) -> list[str]:
        requests: list[str] = []
        left = list(answers)

        def request(method: str, url: str, **_: Any) -> httpx.Response:
            requests.append(f"{method} {url.removeprefix(API.url)}")
            response = left.pop(0) if len(left) > 1 else left[0]
            response.request = httpx.Request(method, url)
            return response

        monkeypatch.setattr(httpx, "request", request)
        return requests

    return give


def test_a_connector_that_is_not_registered_has_no_status(answer: Answer) -> None:
    answer(httpx.Response(404, json=NOT_THERE))
    assert API.read_status() is None
    assert API.read_offsets() == []


def test_a_server_that_is_starting_does_not_look_like_one_without_a_connector(answer: Answer) -> None:
    answer(httpx.Response(404, html="<html>Not Found</html>"))
    with pytest.raises(ConnectError, match="is starting"):
        API.read_status()


def test_a_refusal_has_the_message_of_connect(answer: Answer) -> None:
    answer(httpx.Response(400, json={"error_code": 400, "message": "no such login"}), httpx.Response(500, text="broken"))
    with pytest.raises(ConnectError, match=r"^no such login$"):
        API.register({})
    with pytest.raises(ConnectError, match="answers 500"):
        API.register({})


def test_a_request_during_a_rebalance_is_sent_again(answer: Answer) -> None:
    busy = httpx.Response(409, json={"error_code": 409, "message": "stale configuration"})
    requests = answer(busy, busy, httpx.Response(200, json={"connector": {"state": "RUNNING"}, "tasks": []}))
    assert API.read_status() == {"connector": {"state": "RUNNING"}, "tasks": []}
    assert requests == ["GET /connectors/shop/status"] * 3


def test_a_configuration_that_is_read_during_a_rebalance_is_read_again(answer: Answer) -> None:
    busy = {"error_code": 500, "message": "Request cannot be completed because a rebalance is expected"}
    requests = answer(httpx.Response(500, json=busy), httpx.Response(200, json={"name": "shop"}))
    assert API.read_config() == {"name": "shop"}
    assert requests == ["GET /connectors/shop/config"] * 2


def test_a_server_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    monkeypatch.setattr(httpx, "request", refuse)
    with pytest.raises(ConnectError, match=r"http://127\.0\.0\.1:1: Connection refused"):
        API.read_version()


class Recorder(ConnectApi):
    """A connector with a configuration; records what is asked of it."""

    calls: list[str] = []
    config: dict[str, str] | None = None
    refuses = False

    def read_config(self) -> dict[str, str] | None:
        return self.config

    def register(self, config: dict[str, str]) -> None:
        self.calls.append("register")
        if self.refuses:
            raise ConnectError("no")

    def stop(self) -> None:
        self.calls.append("stop")

    def resume(self) -> None:
        self.calls.append("resume")

    def restart_failed(self) -> None:
        self.calls.append("restart")


@pytest.mark.parametrize(
    ("config", "calls"),
    [
        (None, ["register"]),
        ({"a": "1", "name": "shop"}, ["register", "resume", "restart"]),
        ({"a": "2", "name": "shop"}, ["stop", "register", "resume", "restart"]),
    ],
)
def test_a_connector_is_stopped_before_its_configuration_changes(config: dict[str, str] | None, calls: list[str]) -> None:
    class Api(Recorder):
        pass

    Api.calls, Api.config = [], config
    operations._apply(Api("", 1), {"a": "1"})
    assert Api.calls == calls


def test_a_refused_change_leaves_the_old_connector_running() -> None:
    class Api(Recorder):
        pass

    Api.calls, Api.config, Api.refuses = [], {"a": "2", "name": "shop"}, True
    with pytest.raises(ConnectError):
        operations._apply(Api("", 1), {"a": "1"})
    assert Api.calls == ["stop", "register", "resume"]
