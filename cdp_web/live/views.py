"""The live page, and its content for the script that renews it."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from cdp_web.accounts.roles import may_see_personal_data
from cdp_web.live.report import report_read
from cdp_web.live.state import LiveState, state_get


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    state, now = state_get(), timezone.now()
    return render(request, "live/index.html", _build_context(request, state, now))


@require_safe
def renewal(request: HttpRequest) -> HttpResponse:
    """The content of the page; 304 without reading any number if nothing has changed."""
    state, now = state_get(), timezone.now()
    etag = make_etag(request, state, now)
    if unchanged := get_conditional_response(request, etag=etag):
        return unchanged
    answer = render(request, "live/content.html", _build_context(request, state, now))
    answer["ETag"] = etag
    return answer


def make_etag(request: HttpRequest, state: LiveState, now: datetime) -> str:
    """All that decides what the page shows: the state of the streams, the minute, and the reader."""
    parts = (state, state.is_fresh, now.replace(second=0, microsecond=0), get_language(), may_see_personal_data(request.user))
    return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'


def _build_context(request: HttpRequest, state: LiveState, now: datetime) -> dict[str, Any]:
    report = None if state.batch is None else report_read(state, now, request.user)
    return {"state": state, "now": now, "report": report, "etag": make_etag(request, state, now)}
