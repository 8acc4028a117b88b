"""Requires the source's token, if one is set."""

from __future__ import annotations

from fastapi import FastAPI

from cdp.http.access import TokenRequired

#: Paths that need no token: health and documentation.
OPEN_PATHS = ("/health", "/openapi.json", "/docs")
OPEN_FOLDER = "/docs/"
DETAIL = "send the header Authorization: Bearer TOKEN; the token is the setting CDP_SOURCE_TOKEN of the server."


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)


def require_token(app: FastAPI, token: str) -> None:
    """If no token is set, all requests pass."""
    if token:
        app.add_middleware(TokenRequired, token=token, is_open=is_open, detail=DETAIL)
