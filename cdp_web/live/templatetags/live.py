"""How long ago something happened, the scale of the chart, and the movement of a product."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cdp_web.layout import formats
from cdp_web.pipeline.templatetags.pipeline import format_age

register = template.Library()


@register.simple_tag
def ago(moment: datetime) -> SafeString:
    return format_html('<time data-ago datetime="{}">{}</time>', moment.isoformat(), describe_ago(moment))


def describe_ago(moment: datetime) -> str:
    """12 s ago, 5 min ago, 3 hours ago. js/live.js writes the first two in the same words."""
    seconds = max(round((timezone.now() - moment).total_seconds()), 0)
    if seconds < 60:
        return _("%s s ago") % seconds
    if seconds < 3600:
        return _("%s min ago") % (seconds // 60)
    return _("%(age)s ago") % {"age": format_age(seconds)}


@register.filter
def money_axis(value: Decimal) -> str:
    """A value of the scale: without cents if it has none."""
    return formats.money_whole(value) if value == int(value) and value < 10_000 else formats.money_short(value)


@register.filter
def movement(rank: int, before: int | None) -> int | None:
    """Places gained; None for a newcomer."""
    return None if before is None else before - rank
