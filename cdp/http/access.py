"""Requires a token."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from cdp.http.problems import problem


class TokenRequired:
    """Middleware that refuses requests without the token, except for paths that are open."""

    def __init__(self, app: ASGIApp, token: str, is_open: Callable[[str], bool], detail: str) -> None:
        self.app = app
        self.expected = f"Bearer {token}".encode()
        self.is_open = is_open
        self.detail = detail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._may_pass(scope):
            await self.app(scope, receive, send)
            return
        answer = problem(HTTPStatus.UNAUTHORIZED, self.detail, {"WWW-Authenticate": "Bearer"})
        await answer(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        header = dict(scope["headers"]).get(b"authorization", b"")
        return self.is_open(scope["path"]) or secrets.compare_digest(header, self.expected)
