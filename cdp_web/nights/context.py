"""Template context about the latest night."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from cdp_web.nights.selectors import night_get_stopped


def add_stopped_night(request: HttpRequest) -> dict[str, Any]:
    """Pass the function itself: only a template that shows the notice runs the query, not the fragments of pages."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"stopped_night": night_get_stopped}
