"""The client of the HTTP source: reads data sets and pages, and retries until the source answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

import httpx

from cdp.settings import Settings

TRIES = 20
PAUSE_SECONDS = 1.5


class SourceRefused(RuntimeError):
    """The source did not answer, or answered with an error; the message says which."""


@dataclass(frozen=True, slots=True)
class SourceDataset:
    name: str
    content_id: str
    rows: int


@dataclass(frozen=True, slots=True)
class SourcePage:
    lines: list[bytes]
    next_cursor: str
    ended: bool
    first_time: datetime | None = None
    last_time: datetime | None = None


class SourceClient:
    """One connection to the source. `pause` waits between tries and may raise to end them."""

    def __init__(self, settings: Settings, pause: Callable[[float], None], transport: httpx.BaseTransport | None = None) -> None:
        token = settings.source_token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = settings.source_url
        self._pause = pause
        self._http = httpx.Client(base_url=settings.source_url, headers=headers, timeout=60, transport=transport)

    def __enter__(self) -> SourceClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def list_datasets(self) -> list[dict[str, Any]]:
        """The descriptions of all data sets."""
        datasets: list[dict[str, Any]] = self._get("/datasets").json()
        return datasets

    def get_dataset(self, name: str) -> SourceDataset:
        dataset = self._get(f"/datasets/{name}").json()
        return SourceDataset(dataset["name"], dataset["content_id"], dataset["rows"])

    def get_page(self, name: str, cursor: str | None, limit: int) -> SourcePage:
        parameters = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        answer = self._get(f"/datasets/{name}/events", parameters)
        lines, headers = answer.content.split(b"\n")[:-1], answer.headers
        first, last = (_parse_time(headers.get(header)) for header in ("X-First-Time", "X-Last-Time"))
        return SourcePage(lines, headers["X-Next-Cursor"], headers["X-End-Of-Data"] == "true", first, last)

    def _get(self, path: str, parameters: dict[str, str] | None = None) -> httpx.Response:
        for left in reversed(range(TRIES)):
            try:
                answer = self._http.get(path, params=parameters)
            except httpx.TransportError as error:
                reason = f"the source at {self._url} does not answer ({error}); start it: ./run up source"
            else:
                if answer.is_success:
                    return answer
                reason = f"the source answers {answer.status_code}: {_read_detail(answer)}"
                if answer.is_client_error:
                    break
            if left:
                self._pause(PAUSE_SECONDS)
        raise SourceRefused(reason)


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _read_detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
