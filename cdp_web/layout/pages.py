"""What all pages share: numbers in an address or a form, the page for an invalid address, and security headers."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

#: No number here has more digits. A limit is needed because Python refuses to parse thousands of digits.
MAX_DIGITS = 9
#: Everything comes from the site itself; inline scripts and styles are forbidden.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def parse_whole_number(text: str, most: int = 10**MAX_DIGITS - 1) -> int | None:
    """A number from 1 to `most`, or None if the text is not one. `²` counts as a digit but is not a number."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        return None
    return number if 1 <= (number := int(text)) <= most else None


def answer_bad_request(request: HttpRequest, says: str) -> HttpResponse:
    """The page for an invalid address; `says` names the valid values."""
    return render(request, "400.html", {"says": says}, status=400)


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the headers of every response."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        # Almost everything shows data of customers or of a user; what may be stored says so itself.
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response

    return middleware
