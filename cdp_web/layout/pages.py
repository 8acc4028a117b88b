"""Pages that every app may return."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def answer_bad_request(request: HttpRequest, says: str) -> HttpResponse:
    """The page for an invalid address; `says` names the valid values."""
    return render(request, "400.html", {"says": says}, status=400)
