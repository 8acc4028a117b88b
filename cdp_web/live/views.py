"""The live page, and its content for the script that renews it."""

from __future__ import annotations

from dataclasses import dataclass
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
from cdp_web.live.counts import Counts, counts_get
from cdp_web.live.report import report_read
from cdp_web.live.state import LiveState, state_get


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    reading = Reading.take(request)
    return render(request, "live/index.html", reading.build_context())


@require_safe
def renewal(request: HttpRequest) -> HttpResponse:
    """The content of the page; 304, without reading the other numbers, if nothing has changed."""
    reading = Reading.take(request)
    if unchanged := get_conditional_response(request, etag=reading.etag):
        return unchanged
    answer = render(request, "live/content.html", reading.build_context())
    answer["ETag"] = reading.etag
    return answer


@dataclass(frozen=True, slots=True)
class Reading:
    """What decides what the page shows: the state of the streams, the slow counts, the time, and who reads."""

    user: Any
    state: LiveState
    counts: Counts | None  # None: the stream "live" has never written
    now: datetime

    @classmethod
    def take(cls, request: HttpRequest) -> Reading:
        state = state_get()
        return cls(request.user, state, None if state.batch is None else counts_get(), timezone.now())

    @property
    def etag(self) -> str:
        minute = self.now.replace(second=0, microsecond=0)
        reader = (get_language(), may_see_personal_data(self.user))
        parts = (self.state, self.state.is_fresh, self.counts, minute, reader)
        return f'"{sha256(repr(parts).encode()).hexdigest()[:32]}"'

    def build_context(self) -> dict[str, Any]:
        report = None if self.counts is None else report_read(self.state, self.counts, self.now, self.user)
        return {"state": self.state, "now": self.now, "report": report, "etag": self.etag}
