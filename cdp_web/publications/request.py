"""The publication of a request, read once so everything on a page agrees."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from cdp_web.publications.errors import NothingPublished
from cdp_web.publications.selectors import Publication, publication_get_serving

_REQUEST_ATTRIBUTE = "_cdp_publication"


def publication_get_for_request(request: HttpRequest) -> Publication:
    """The serving publication, the same for the whole request."""
    if not hasattr(request, _REQUEST_ATTRIBUTE):
        setattr(request, _REQUEST_ATTRIBUTE, publication_get_serving())
    serving: Publication = getattr(request, _REQUEST_ATTRIBUTE)
    return serving


def add_publication(request: HttpRequest) -> dict[str, Any]:
    """Template context: the publication for the top bar, if the user is logged in."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    try:
        return {"publication": publication_get_for_request(request)}
    except NothingPublished:
        return {"publication": None}
