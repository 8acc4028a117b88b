"""Asks for the source's token, where one is set."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from source_server.problems import problem

#: What may be asked without a token: whether it is up, and how it is used.
OPEN_PATHS = ("/health", "/openapi.json", "/docs")
OPEN_FOLDER = "/docs/"


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


class TokenRequired:
    """Lets a request through that carries the token, and every one where no token is set."""

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
        given = dict(scope["headers"]).get(b"authorization", b"")
        return not self.expected or is_open(scope["path"]) or secrets.compare_digest(given, self.expected)
