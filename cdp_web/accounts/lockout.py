"""Logins that are locked after wrong passwords: the answer, and the time at which they are free again. django-axes counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from cdp_web.accounts.addresses import get_client_address


def lock_get_end(username: str, address: str | None) -> datetime | None:
    """When the login may be tried again; None if no failure is recorded."""
    attempts = AccessAttempt.objects.filter(username=username, ip_address=address)
    last = attempts.aggregate(last=Max("attempt_time"))["last"]
    return last + settings.AXES_COOLOFF_TIME if last else None


def answer_locked(request: HttpRequest, response: HttpResponse | None, credentials: Mapping[str, Any] | None) -> HttpResponse:
    """The login page with the time of the next try."""
    username = (credentials or {}).get("username") or ""
    end = lock_get_end(username, get_client_address(request)) or timezone.now() + settings.AXES_COOLOFF_TIME
    context = {"locked_until": end, "username": username, "next": request.POST.get("next", "")}
    answer = render(request, "accounts/login.html", context, status=429)
    answer["Retry-After"] = str(max(1, round((end - timezone.now()).total_seconds())))
    return answer
