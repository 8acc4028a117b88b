"""The language of the API's answers."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

PREFIX = "/api/"


def use_english_for_programs(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Programs read English whatever languages they accept. The site's own scripts have a session, and show what they read to
    people, so they read it in the language of the page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(PREFIX) and settings.SESSION_COOKIE_NAME not in request.COOKIES:
            translation.activate("en")
            request.LANGUAGE_CODE = "en"
        return get_response(request)

    return middleware
