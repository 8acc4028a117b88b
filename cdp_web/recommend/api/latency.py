"""How long answers take: measured for every request, read by Prometheus, and written to Postgres every minute for the site."""

from __future__ import annotations

import math
import socket
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cdp.errors import first_line
from cdp.mart.daily import create_statements
from cdp.mart.recommend import LATENCY, RECOMMEND_TABLES
from cdp.postgres import connection_arguments
from cdp.settings import Settings
from cdp_web.recommend.api.metrics import ANSWERS, BOUNDS, ERRORS, STALE

#: Key of the ASGI scope under which an endpoint leaves what it has answered.
ANSWERED = "recommend.answered"
#: Callers name the places. Further ones are counted together.
MOST_PLACES, OTHER_PLACE = 50, "other"
_COLUMNS = LATENCY.column_names
_INSERT = f"INSERT INTO {LATENCY.full_name} ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"


@dataclass(frozen=True, slots=True)
class Answered:
    place: str
    source: str
    is_stale: bool


@dataclass(slots=True)
class Counts:
    stale: int = 0
    errors: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))

    def as_row(self) -> tuple[Any, ...]:
        pairs = zip(BOUNDS, self.buckets, strict=True)
        buckets = {f"{bound:g}": count for bound, count in pairs if count}
        return sum(self.buckets), self.stale, self.errors, Json(buckets)


class LatencyLog:
    """The counts of this minute by place and source."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process = f"{socket.gethostname()}:{time.time():.0f}"
        self.counts: dict[tuple[int, str, str], Counts] = {}  # by minute, place and source
        self.places: set[str] = set()
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.has_table = False

    def note(self, answered: Answered, seconds: float, status: int) -> None:
        ANSWERS.labels(answered.source).observe(seconds)
        is_error = status >= 500
        if answered.is_stale:
            STALE.inc()
        if is_error:
            ERRORS.inc()
        minute = int(time.time() // 60)
        with self.lock:
            counts = self.counts.setdefault((minute, self._find_place(answered.place), answered.source), Counts())
            counts.buckets[bisect_left(BOUNDS, seconds * 1000)] += 1
            counts.stale += answered.is_stale
            counts.errors += is_error

    def _find_place(self, place: str) -> str:
        if place not in self.places and len(self.places) >= MOST_PLACES:
            return OTHER_PLACE
        self.places.add(place)
        return place

    def start(self) -> None:
        threading.Thread(target=self._run, name="latency", daemon=True).start()

    def _run(self) -> None:
        while not self.stop.wait(60 - time.time() % 60):
            self.write(before=int(time.time() // 60))

    def write(self, before: float = math.inf) -> None:
        """Write the counts of the minutes before this one. If Postgres is away, they are dropped."""
        with self.lock:
            over = {key: self.counts.pop(key) for key in list(self.counts) if key[0] < before}
        if not over:
            return
        rows = [
            (datetime.fromtimestamp(minute * 60, UTC), self.process, place, source, *counts.as_row())
            for (minute, place, source), counts in over.items()
        ]
        try:
            with psycopg.connect(**connection_arguments(self.settings, "cdp recommend", 3)) as connection:
                for statement in create_statements(RECOMMEND_TABLES) if not self.has_table else ():
                    connection.execute(statement)
                connection.cursor().executemany(_INSERT, rows)
            self.has_table = True
        except psycopg.Error as error:
            print(f"recommend: the times of a minute are lost: {first_line(error)}", flush=True)


class Measured:
    """Middleware that measures the answers to requests for recommendations."""

    def __init__(self, app: ASGIApp, log: LatencyLog) -> None:
        self.app = app
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            answered = scope.get(ANSWERED) or (Answered("", "", False) if status >= 500 else None)
            if answered:
                self.log.note(answered, time.perf_counter() - begin, status)
