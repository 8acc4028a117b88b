"""Errors of the HTTP source as problem+json (RFC 9457): what is wrong, and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from cdp.http.problems import problem
from source_server.intake.store import DatasetBroken, DatasetUnknown


class RequestRefused(Exception):
    """A request that can't be answered; the detail says what is allowed."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def answer_with_problems(app: FastAPI, choose_allowed: Callable[[Request], Mapping[str, str]]) -> None:
    """Turn every error of the app into a problem. `choose_allowed` returns what each parameter of the request may be."""

    def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        allowed, name = choose_allowed(request), str(error.errors()[0]["loc"][-1])
        if name not in allowed:
            return problem(400, f"there is no parameter {name!r}; there are {', '.join(allowed)}.")
        return problem(400, f"{name} must be {allowed[name]}, not {error.errors()[0]['input']!r}.")

    app.exception_handler(RequestRefused)(lambda _, error: problem(error.status, error.detail))
    app.exception_handler(DatasetUnknown)(lambda _, error: problem(404, str(error)))
    app.exception_handler(DatasetBroken)(lambda _, error: problem(500, str(error)))
    app.exception_handler(HTTPException)(lambda _, error: problem(error.status_code, str(error.detail), error.headers))
    app.exception_handler(RequestValidationError)(unreadable)
