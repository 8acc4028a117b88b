"""Pages that say the same to everyone for a while, at most until the next publication: their content is rendered once and then
comes from the cache of the process. A template marks it with `{% remember %}`."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from cdp_web.accounts.roles import role_get
from cdp_web.charts.csv import asks_for_csv, send_csv
from cdp_web.serving.publications import publication_get_for_request

CACHE = "reports"
#: The shop may name its products at any time.
SECONDS = 600
FILES = "files"
#: The names that the tag reads in the context of the template.
CONTENT, KEY = "remembered_content", "remember_under"


def render_report(request: HttpRequest, template: str, build_context: Callable[[], dict[str, Any]]) -> HttpResponse:
    """`build_context` is called only if the content is not in the cache. Of the user, it may depend on nothing but the role. The
    charts of its `files` can be had as CSV."""
    if asks_for_csv(request):
        return send_csv(request, build_context()[FILES])
    key = _make_key(request)
    content = caches[CACHE].get(key)
    context = build_context() | {KEY: key} if content is None else {CONTENT: content}
    return render(request, template, context)


def content_remember(key: str, content: str) -> None:
    caches[CACHE].set(key, content, timeout=SECONDS)


def _make_key(request: HttpRequest) -> str:
    publication = publication_get_for_request(request)
    parts = (publication.id, get_language(), role_get(request.user), request.get_full_path())
    return sha256(repr(parts).encode()).hexdigest()
