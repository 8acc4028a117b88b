"""Errors of the API as problem+json (RFC 9457): one sentence that names the place and what is allowed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from cdp.http.problems import problem


def answer_with_problems(app: FastAPI) -> None:
    """Turn every error of the app into a problem."""

    def refuse(request: Request, error: RequestValidationError) -> Response:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, _describe(error.errors()[0]))

    app.exception_handler(RequestValidationError)(refuse)
    app.exception_handler(HTTPException)(
        lambda _, error: problem(error.status_code, f"{error.detail}; /docs lists the addresses.", error.headers)
    )


def _describe(error: dict[str, Any]) -> str:
    """Pydantic's message with the name of the parameter or field."""
    where, *names = error["loc"]
    name = ".".join(map(str, names)) or f"the {where}"
    if error["type"] == "extra_forbidden":
        return f"There is no parameter {name!r}; /docs lists them."
    if error["type"] == "json_invalid":
        return "The body is not JSON."
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}."
