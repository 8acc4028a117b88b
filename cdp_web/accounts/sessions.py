"""Sessions end 12 hours after their last use, and all of a user's at once on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

#: Seconds between two extensions of a session, so that most requests write nothing.
EXTEND_AFTER = 600
#: Open pages ask for these by themselves, so they say nothing about a person.
POLLED = ("pipeline:live", "pipeline:replay-result", "segments:status")
_EXTENDED_AT = "extended_at"


class ExtendSessionMiddleware:
    """Postpones the end of a session that is used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        session, match = request.session, request.resolver_match
        if match and match.view_name in POLLED:
            return response
        # A response that did not read the session may be cached for everyone.
        if session.accessed and SESSION_KEY in session and time.time() - session.get(_EXTENDED_AT, 0) > EXTEND_AFTER:
            session[_EXTENDED_AT] = time.time()
        return response


def note_start(sender: Any, request: HttpRequest, **_: Any) -> None:
    """Receiver of a login, which saves the session anyway; the next requests then need not."""
    request.session[_EXTENDED_AT] = time.time()


def sessions_end(*, user: Any) -> int:
    """Log the user out on every device; returns how many sessions ended."""
    live = Session.objects.filter(expire_date__gt=timezone.now())
    keys = [each.session_key for each in live.iterator() if each.get_decoded().get(SESSION_KEY) == str(user.pk)]
    return Session.objects.filter(session_key__in=keys).delete()[0]
