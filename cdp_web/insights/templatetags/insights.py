"""Addresses within the products report, and numbers without their sign."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from cdp_web.insights.addresses import build_address
from cdp_web.layout import formats

register = template.Library()
register.filter("days", formats.days)


@register.simple_tag(takes_context=True)
def thing_address(context: template.Context, **changes: str) -> str:
    """The same period with another tab, category or brand, without the search."""
    return build_address(context["report"].query, context["choice"], **({"search": ""} | changes))


@register.filter
def size(value: Any) -> Any:
    """A number without its sign, which the template shows in another way."""
    return abs(value)


@register.filter
def whole(value: Any) -> int:
    return round(value)


@register.filter
def segment_address(link: str) -> str:
    """The builder with the rule of a link to customers."""
    return link.replace(reverse("customers:list"), reverse("segments:new"), 1)
