"""The publication of a request, read once so that everything on a page agrees."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from cdp_web.publications.errors import NothingPublished
from cdp_web.publications.selectors import Publication, publication_serving

_ATTRIBUTE = "_cdp_publication"


def publication_of(request: HttpRequest) -> Publication:
    """The serving publication, the same for the whole request."""
    if not hasattr(request, _ATTRIBUTE):
        setattr(request, _ATTRIBUTE, publication_serving())
    found: Publication = getattr(request, _ATTRIBUTE)
    return found


def publication(request: HttpRequest) -> dict[str, Any]:
    """Template context: the publication in the top bar, for people who are logged in."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    try:
        return {"publication": publication_of(request)}
    except NothingPublished:
        return {"publication": None}
