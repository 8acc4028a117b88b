"""The address of the person behind a request."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def get_client_address(request: HttpRequest) -> str | None:
    """The address that sent the request or, behind proxies that the settings count, the one that the outermost of them saw.

    Entries of X-Forwarded-For further left come from the client, who can write anything there.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.WEB_PROXIES:
        addresses = [each.strip() for each in request.headers.get("X-Forwarded-For", "").split(",") if each.strip()]
        if len(addresses) >= settings.WEB_PROXIES:
            address = addresses[-settings.WEB_PROXIES]
    try:
        return str(ip_address(address))
    except ValueError:
        return None
