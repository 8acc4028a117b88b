"""Pages that any app may answer with."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def answer_bad_request(request: HttpRequest, says: str) -> HttpResponse:
    """An address that asks for what can't be had; `says` names what can."""
    return render(request, "400.html", {"says": says}, status=400)
