"""The documentation page /docs, made from /openapi.json. Its scripts come with a Python package, so it works offline."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from cdp_web.recommend.api.access import BROWSER_FOLDER
from cdp_web.recommend.api.problems import MEDIA_TYPE

_SCRIPTS = "/docs/static"
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "one sentence for people"},
    },
    "required": ["type", "title", "status", "detail"],
}


def describe(app: FastAPI) -> None:
    scripts = files("drf_spectacular_sidecar") / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"
    app.mount(_SCRIPTS, StaticFiles(directory=str(scripts)), name="docs")
    app.add_api_route("/docs", lambda: _show_page(app.title), include_in_schema=False, response_class=HTMLResponse)
    make_schema = app.openapi

    app.openapi = lambda: _correct(make_schema())  # type: ignore[method-assign]


def _correct(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the token, and replace FastAPI's own errors by problems."""
    schemas = schema["components"]["schemas"]
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schemas["Problem"] = _PROBLEM
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answer = {"description": "What was wrong, and what is allowed", "content": content}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["4XX"] = answer
            if not path.startswith(BROWSER_FOLDER) and path != "/health":
                operation["security"] = [{"token": []}]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return schema


def _show_page(title: str) -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url=f"{_SCRIPTS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_SCRIPTS}/swagger-ui.css",
        swagger_favicon_url=f"{_SCRIPTS}/favicon-32x32.png",
    )
