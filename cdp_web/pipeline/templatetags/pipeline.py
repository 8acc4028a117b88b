"""Filters of the pipeline's pages."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cdp_web.layout import formats
from cdp_web.serving.night_words import name_check, name_step

register = template.Library()
register.filter("check_name", name_check)
register.filter("step_name", name_step)

#: Seconds of a unit, from the largest.
_UNITS = ((31_557_600, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


@register.filter
def age(moment: datetime | None) -> str:
    """How long ago: 5 minutes, 7 years."""
    return formats.MISSING if moment is None else format_age((timezone.now() - moment).total_seconds())


def format_age(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size:
            return _name_unit(unit, int(seconds // size))
    return _("less than a minute")


def _name_unit(unit: str, number: int) -> str:
    texts = {
        "year": ngettext("%(number)s year", "%(number)s years", number),
        "day": ngettext("%(number)s day", "%(number)s days", number),
        "hour": ngettext("%(number)s hour", "%(number)s hours", number),
        "minute": ngettext("%(number)s minute", "%(number)s minutes", number),
    }
    return texts[unit] % {"number": formats.count(number)}
