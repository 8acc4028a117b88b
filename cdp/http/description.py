"""The documentation page /docs, made from /openapi.json. Its scripts come with a Python package, so it works offline."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from cdp.http.problems import MEDIA_TYPE

SCRIPTS = "/docs/static"


def describe(app: FastAPI, correct: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Add the page. `correct` gets the schema, in which problems already replace FastAPI's own errors."""
    page = files("drf_spectacular_sidecar") / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"
    app.mount(SCRIPTS, StaticFiles(directory=str(page)), name="docs")
    app.add_api_route("/docs", lambda: _show_page(app.title), include_in_schema=False, response_class=HTMLResponse)
    make_schema = app.openapi
    app.openapi = lambda: correct(_replace_errors(make_schema()))  # type: ignore[method-assign]


def _replace_errors(schema: dict[str, Any]) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answer = {"description": "What was wrong, and what is allowed", "content": content}
    for operation in (operation for path in schema["paths"].values() for operation in path.values()):
        operation["responses"].pop("422", None)
        operation["responses"]["4XX"] = answer
    return schema


def _show_page(title: str) -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url=f"{SCRIPTS}/swagger-ui-bundle.js",
        swagger_css_url=f"{SCRIPTS}/swagger-ui.css",
        swagger_favicon_url=f"{SCRIPTS}/favicon-32x32.png",
    )
