"""What every page may say about the last night."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from cdp_web.nights.selectors import night_get_stopped


def add_stopped_night(request: HttpRequest) -> dict[str, Any]:
    """Asked for by the frame of a page alone; parts of pages need not look."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"stopped_night": night_get_stopped}
