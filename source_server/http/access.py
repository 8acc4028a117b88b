"""Requires the source's token, if one is set."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from source_server.http.problems import problem

#: Paths that need no token: health and documentation.
OPEN_PATHS = ("/health", "/openapi.json", "/docs")
OPEN_FOLDER = "/docs/"


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


class TokenRequired:
    """Middleware that refuses requests without the token. If no token is set, all requests pass."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.expected = f"Bearer {token}".encode() if token else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._may_pass(scope):
            await self.app(scope, receive, send)
            return
        detail = "send the header Authorization: Bearer TOKEN; the token is the setting CDP_SOURCE_TOKEN of the server."
        await problem(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        header = dict(scope["headers"]).get(b"authorization", b"")
        return not self.expected or is_open(scope["path"]) or secrets.compare_digest(header, self.expected)
