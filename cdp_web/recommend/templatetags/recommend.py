"""Filters of the recommendations' pages: names, and times of answers."""

from __future__ import annotations

from django import template

from cdp_web.layout import formats
from cdp_web.recommend.latency import Latency
from cdp_web.recommend.models import STATE_TITLES
from cdp_web.recommend.words import CHECKS, LISTS, MODELS, PLACES, SOURCES, name

register = template.Library()
for _filter, _words in {
    "model_name": MODELS,
    "source_name": SOURCES,
    "place_name": PLACES,
    "list_name": LISTS,
    "check_title": CHECKS,
    "state_title": STATE_TITLES,
}.items():
    register.filter(_filter, lambda key, words=_words: name(words, key))


@register.filter
def milliseconds(bound: float | None, latency: Latency) -> str:
    """The bound of a bucket; an answer may also have taken longer than the last bound."""
    if bound is not None:
        return f"{formats.number(bound)} ms"
    return f"> {formats.number(max((each for each in latency.buckets if each != float('inf')), default=0))} ms"
