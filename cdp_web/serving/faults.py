"""Responses when a view failed: data is not ready, the database is down, or the fault is ours."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.defaults import bad_request, server_error

from cdp.errors import first_line
from cdp_web.serving.errors import DatabaseUnavailable, NotReady

#: SQLSTATE classes about the server, not the statement: connection, resources, shutdown. There is no SQLSTATE if the server was
#: not reached.
OUTAGE_CLASSES = ("08", "53", "57P")

#: The API's answer to a fault of ours. The traceback is in the log only.
SERVER_ERROR = {"code": "server_error", "detail": "The platform has a fault. Its log has the details."}


class NotReadyMiddleware:
    """Shows a page when data is not ready."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, NotReady):
            return None
        return render(request, "serving/not_ready.html", {"error": error}, status=error.status)


def find_database_problem() -> str:
    """Why the database can't be used; empty if it can."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"Postgres does not answer: {first_line(error)}"
    return ""


def find_database_outage(error: BaseException | None) -> DatabaseUnavailable | None:
    """The error to show if the database is down; None for an error in a statement."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    state = getattr(error.__cause__, "sqlstate", None)
    return DatabaseUnavailable(first_line(error)) if state is None or state.startswith(OUTAGE_CLASSES) else None


@login_not_required
def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, for requests that it refuses before a view: another host name, too many fields."""
    if request.path.startswith("/api/"):
        return JsonResponse({"code": "invalid", "detail": "The request is not valid."}, status=400)
    return bad_request(request, exception)


@login_not_required
def show_fault(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the exception is handled. Does not query the database, not even for the login."""
    outage = find_database_outage(sys.exc_info()[1])
    if request.path.startswith("/api/"):
        return JsonResponse(outage.as_json() if outage else SERVER_ERROR, status=outage.status if outage else 500)
    if outage is None:
        return server_error(request)
    return HttpResponse(render_to_string("503.html", {"error": outage, "again": request.get_full_path()}), status=outage.status)
