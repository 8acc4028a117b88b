"""Kafka Connect's REST API: what the connector does, and the requests that change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from infra.connect.connector import CONNECTOR

#: A registration connects to the shop's database, which may take as long as its time-out.
SECONDS = 30.0
STOP_SECONDS = 20
PAUSE = 0.2
#: Part of Connect's message.
REBALANCE = "a rebalance is expected"


class ConnectError(Exception):
    """Connect does not answer, or refuses a request. The message is its own."""


class _Rebalancing(ConnectError):
    """Connect assigns its tasks just now; a moment later it takes the request."""


@dataclass(frozen=True, slots=True)
class ConnectApi:
    url: str
    seconds: float = SECONDS

    def read_version(self) -> str:
        return str(self._request("GET", "/").json()["version"])

    def read_status(self) -> dict[str, Any] | None:
        """State of the connector and of its tasks; None if it is not registered."""
        return self._read("status")

    def read_config(self) -> dict[str, str] | None:
        return self._read("config")

    def read_offsets(self) -> list[dict[str, Any]]:
        """How far the connector has come in the database's log or in its snapshot."""
        offsets = self._read("offsets") or {}
        return [entry["offset"] for entry in offsets.get("offsets", []) if entry.get("offset")]

    def register(self, config: dict[str, str]) -> None:
        """Create or change the connector. Connect connects to the database to check the configuration."""
        self._request("PUT", f"/connectors/{CONNECTOR}/config", json=config)

    def restart_failed(self) -> None:
        self._request("POST", f"/connectors/{CONNECTOR}/restart?includeTasks=true&onlyFailed=true")

    def resume(self) -> None:
        self._request("PUT", f"/connectors/{CONNECTOR}/resume")

    def stop(self) -> None:
        """Stop the connector, so that it lets go of its slot."""
        self._request("PUT", f"/connectors/{CONNECTOR}/stop")
        retry = Retrying(
            retry=retry_if_result(lambda stopped: not stopped), stop=stop_after_delay(STOP_SECONDS), wait=wait_fixed(PAUSE),
            retry_error_callback=lambda _: None,
        )  # fmt: skip
        retry(self._is_stopped)

    def _is_stopped(self) -> bool:
        status = self.read_status()
        return status is None or (status["connector"]["state"] == "STOPPED" and not status["tasks"])

    def forget_offsets(self) -> None:
        """Forget how far it has come; the connector must be stopped."""
        self._request("DELETE", f"/connectors/{CONNECTOR}/offsets")

    def delete(self) -> None:
        self._request("DELETE", f"/connectors/{CONNECTOR}")

    def _read(self, part: str) -> Any:
        return self._request("GET", f"/connectors/{CONNECTOR}/{part}", missing_is_none=True)

    def _request(self, method: str, path: str, missing_is_none: bool = False, **body: Any) -> Any:
        attempts = Retrying(
            retry=retry_if_exception_type(_Rebalancing), stop=stop_after_delay(self.seconds), wait=wait_fixed(PAUSE), reraise=True
        )
        answer: httpx.Response = attempts(self._send, method, path, **body)
        if answer.status_code == httpx.codes.NOT_FOUND and missing_is_none:
            return None
        if answer.is_error:
            raise ConnectError(_read_message(answer))
        return answer.json() if missing_is_none else answer

    def _send(self, method: str, path: str, **body: Any) -> httpx.Response:
        try:
            answer = httpx.request(method, self.url + path, timeout=self.seconds, **body)
        except httpx.HTTPError as error:
            raise ConnectError(f"{self.url}: {error or type(error).__name__}") from error
        if answer.status_code == httpx.codes.NOT_FOUND and not _is_json(answer):
            raise ConnectError(f"{self.url} is starting; its API is not there yet")
        if _is_rebalancing(answer):
            raise _Rebalancing(_read_message(answer))
        return answer


def _is_json(answer: httpx.Response) -> bool:
    return answer.headers.get("Content-Type", "").startswith("application/json")


def _is_rebalancing(answer: httpx.Response) -> bool:
    """Connect answers 409 to most requests then, but 500 if a configuration is read."""
    is_broken = answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    return answer.status_code == httpx.codes.CONFLICT or (is_broken and REBALANCE in _read_message(answer))


def _read_message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError):
        return f"{answer.request.method} {answer.request.url} answers {answer.status_code}"
