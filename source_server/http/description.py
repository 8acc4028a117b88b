"""What the documentation page of the source server and of the shop's API says besides their addresses."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from cdp.http import description
from cdp.http.problems import PROBLEM


def describe(app: FastAPI) -> None:
    description.describe(app, _correct)


def _correct(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the token, so that the page asks for it. Problems are the only schema."""
    schema["components"] = {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": {"Problem": PROBLEM},
    }
    schema["security"] = [{"token": []}]
    return schema
