"""What the documentation page of the API says besides its addresses."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from cdp.http import description
from cdp.http.problems import PROBLEM
from cdp_web.recommend.api.access import BROWSER_FOLDER


def describe(app: FastAPI) -> None:
    description.describe(app, _correct)


def _correct(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the token where it is needed, and the problems in place of FastAPI's own errors."""
    schemas = schema["components"]["schemas"]
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schemas["Problem"] = PROBLEM | {"required": list(PROBLEM["properties"])}
    for path, operations in schema["paths"].items():
        if not path.startswith(BROWSER_FOLDER) and path != "/health":
            for operation in operations.values():
                operation["security"] = [{"token": []}]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return schema
