"""Holds each client to a number of requests a second, with short bursts of twice as many."""

from __future__ import annotations

import time
from collections import OrderedDict
from http import HTTPStatus
from math import ceil

from starlette.types import ASGIApp, Receive, Scope, Send

from source_server.access import is_open
from source_server.problems import problem

#: Clients remembered; the one not seen for longest is forgotten first, which at worst gives it a new burst.
MOST_CLIENTS = 10_000


class RateLimited:
    """A bucket of permits a client, filled steadily. `a_second` of 0: no limit."""

    def __init__(self, app: ASGIApp, a_second: int) -> None:
        self.app = app
        self.a_second = a_second
        self.buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self._wait(scope) if scope["type"] == "http" and self.a_second and not is_open(scope["path"]) else 0.0
        if not wait:
            await self.app(scope, receive, send)
            return
        detail = f"more than {self.a_second} requests a second; go on in {ceil(wait)} s. The setting is CDP_SOURCE_RATE."
        await problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(ceil(wait))})(scope, receive, send)

    def _wait(self, scope: Scope) -> float:
        """Takes a permit; seconds until there is one, where there is none."""
        client, now, most = (scope.get("client") or ("",))[0], time.monotonic(), 2.0 * self.a_second
        permits, since = self.buckets.pop(client, (most, now))
        permits = min(most, permits + (now - since) * self.a_second)
        wait = max(0.0, (1 - permits) / self.a_second)
        self.buckets[client] = (permits if wait else permits - 1, now)
        if len(self.buckets) > MOST_CLIENTS:
            self.buckets.popitem(last=False)
        return wait
