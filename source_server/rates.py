"""Limits each client to a number of requests per second, with short bursts of twice as many."""

from __future__ import annotations

import time
from collections import OrderedDict
from http import HTTPStatus
from math import ceil

from starlette.types import ASGIApp, Receive, Scope, Send

from source_server.access import is_open
from source_server.problems import problem

#: Clients in memory; the one seen least recently is forgotten first, which at worst gives it a new burst.
MOST_CLIENTS = 10_000


class RateLimited:
    """Middleware with one token bucket per client. `a_second` 0 means no limit."""

    def __init__(self, app: ASGIApp, a_second: int) -> None:
        self.app = app
        self.a_second = a_second
        self.buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self._take_permit(scope) if scope["type"] == "http" and self.a_second and not is_open(scope["path"]) else 0.0
        if not wait:
            await self.app(scope, receive, send)
            return
        detail = (
            f"more than {self.a_second} requests a second; try again in {ceil(wait)} s. The limit is the setting CDP_SOURCE_RATE."
        )
        await problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(ceil(wait))})(scope, receive, send)

    def _take_permit(self, scope: Scope) -> float:
        """Take a permit; if there is none, return the seconds until the next."""
        client, now, most = (scope.get("client") or ("",))[0], time.monotonic(), 2.0 * self.a_second
        permits, since = self.buckets.pop(client, (most, now))
        permits = min(most, permits + (now - since) * self.a_second)
        wait = max(0.0, (1 - permits) / self.a_second)
        self.buckets[client] = (permits if wait else permits - 1, now)
        if len(self.buckets) > MOST_CLIENTS:
            self.buckets.popitem(last=False)
        return wait
