"""Reads the HTTP source, as the producer does: pages by cursor, again and again until the source answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any

import httpx

from cdp.settings import Settings

TRIES = 20
PAUSE_SECONDS = 1.5


class SourceRefused(RuntimeError):
    """The source gave no answer, or not the one asked for; the message says what it said."""


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
    """One connection to the source. `pause` waits between tries, and may raise to end them."""

    def __init__(self, settings: Settings, pause: Callable[[float], None], transport: httpx.BaseTransport | None = None) -> None:
        token = settings.source_token
        # Pages are not compressed: on the way from a neighbour that costs more time than it saves.
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._url = settings.source_url
        self._pause = pause
        self._http = httpx.Client(base_url=settings.source_url, headers=headers, timeout=60, transport=transport)

    def __enter__(self) -> SourceClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def datasets(self) -> list[dict[str, Any]]:
        """All that the source tells of its data sets."""
        told: list[dict[str, Any]] = self._get("/datasets").json()
        return told

    def dataset(self, name: str) -> SourceDataset:
        told = self._get(f"/datasets/{name}").json()
        return SourceDataset(told["name"], told["content_id"], told["rows"])

    def page(self, name: str, cursor: str | None, limit: int) -> SourcePage:
        asked = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        answer = self._get(f"/datasets/{name}/events", asked)
        lines, told = answer.content.split(b"\n")[:-1], answer.headers
        first, last = (_time(told.get(header)) for header in ("X-First-Time", "X-Last-Time"))
        return SourcePage(lines, told["X-Next-Cursor"], told["X-End-Of-Data"] == "true", first, last)

    def _get(self, path: str, asked: dict[str, str] | None = None) -> httpx.Response:
        for left in reversed(range(TRIES)):
            pause = PAUSE_SECONDS
            try:
                answer = self._http.get(path, params=asked)
            except httpx.TransportError as error:
                trouble = f"the source at {self._url} does not answer ({error}); start it: ./run up source"
            else:
                if answer.is_success:
                    return answer
                trouble = f"the source answers {answer.status_code}: {_detail(answer)}"
                if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                    pause = float(answer.headers.get("Retry-After", PAUSE_SECONDS))
                elif answer.is_client_error:
                    break
            if left:
                self._pause(pause)
        raise SourceRefused(trouble)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
