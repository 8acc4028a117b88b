"""Who may ask: callers with the token, and browsers that report what was seen and clicked. Everyone has a limit of requests."""

from __future__ import annotations

import time
from collections import OrderedDict
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from cdp.http.problems import problem

#: Paths that need no token and have no limit: health, metrics and documentation.
OPEN_PATHS = ("/health", "/metrics", "/openapi.json", "/docs")
OPEN_FOLDER = "/docs/"
#: Browsers report here. They can't keep a token secret.
BROWSER_FOLDER = "/v1/exposures"
DETAIL = "Send the header Authorization: Bearer TOKEN. The token is the setting CDP_RECOMMEND_TOKEN of the server."
#: Addresses whose requests are counted.
MOST_ADDRESSES = 10_000


class RateLimited:
    """Middleware that answers at most so many requests a second to one address; a pause saves up for one second."""

    def __init__(self, app: ASGIApp, rate: int) -> None:
        self.app = app
        self.rate = rate
        self.left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests that are left, as of a time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.rate or is_open(scope["path"]) or self._take(scope):
            await self.app(scope, receive, send)
            return
        detail = f"One address may send {self.rate} requests a second (CDP_RECOMMEND_RATE); try again in a second."
        await problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": "1"})(scope, receive, send)

    def _take(self, scope: Scope) -> bool:
        address, now = (scope.get("client") or ("",))[0], time.monotonic()
        left, since = self.left.pop(address, (float(self.rate), now))
        left = min(float(self.rate), left + (now - since) * self.rate)
        self.left[address] = (left - 1 if left >= 1 else left, now)
        if len(self.left) > MOST_ADDRESSES:
            self.left.popitem(last=False)
        return left >= 1


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


def needs_no_token(path: str) -> bool:
    return is_open(path) or path == BROWSER_FOLDER or path.startswith(f"{BROWSER_FOLDER}/")
