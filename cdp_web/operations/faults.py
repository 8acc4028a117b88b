"""The answer where no view could give one: whether it is the database that is away, or a fault of ours."""

from __future__ import annotations

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from cdp.said import first_line
from cdp_web.publications.errors import DatabaseUnavailable

#: Classes of SQLSTATE that tell of the server and not of the statement: connection, resources, somebody ends it. None came
#: where the server was not reached.
OUTAGE_CLASSES = ("08", "53", "57P")


def find_database_outage(error: BaseException | None) -> DatabaseUnavailable | None:
    """What is said where the database can't be asked now; nothing of an error in a statement."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    state = getattr(error.__cause__, "sqlstate", None)
    return DatabaseUnavailable(first_line(error)) if state is None or state.startswith(OUTAGE_CLASSES) else None


@login_not_required
def show_fault(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the exception is handled. Asks the database nothing: not even who is logged in."""
    outage = find_database_outage(sys.exc_info()[1])
    if outage is None:
        return server_error(request)
    if request.path.startswith("/api/"):
        return JsonResponse(outage.as_json(), status=outage.status)
    return HttpResponse(render_to_string("503.html", {"error": outage, "again": request.get_full_path()}), status=outage.status)
