"""The page that describes the source, /docs, from /openapi.json. Its scripts come with the package, so it works offline."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

SCRIPTS = "/docs/static"


def describe(app: FastAPI) -> None:
    page = files("drf_spectacular_sidecar") / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"
    app.mount(SCRIPTS, StaticFiles(directory=str(page)), name="docs")
    app.add_api_route("/docs", lambda: _page(app.title), include_in_schema=False, response_class=HTMLResponse)
    made = app.openapi

    def with_token() -> dict[str, Any]:
        """The description says how the token is sent, so that the page asks for it."""
        described = made()
        described.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
        return described

    app.openapi = with_token  # type: ignore[method-assign]


def _page(title: str) -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url=f"{SCRIPTS}/swagger-ui-bundle.js",
        swagger_css_url=f"{SCRIPTS}/swagger-ui.css",
        swagger_favicon_url=f"{SCRIPTS}/favicon-32x32.png",
    )
