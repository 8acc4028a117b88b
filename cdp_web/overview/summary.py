"""The first sentences of the page: the revenue, its change, and the most unusual day."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp_web.layout import formats
from cdp_web.overview.kpis import Tile
from cdp_web.overview.periods import PeriodChoice
from cdp_web.overview.unusual import UnusualDay, describe_cause, describe_unusual_day

_CHANGES = {
    ("before", "up"): gettext_lazy("That is %(change)s more than in the period before."),
    ("before", "down"): gettext_lazy("That is %(change)s less than in the period before."),
    ("before", "same"): gettext_lazy("That is the same as in the period before."),
    ("year", "up"): gettext_lazy("That is %(change)s more than a year before."),
    ("year", "down"): gettext_lazy("That is %(change)s less than a year before."),
    ("year", "same"): gettext_lazy("That is the same as a year before."),
}


def describe_period(choice: PeriodChoice, revenue: Tile, unusual_days: Sequence[UnusualDay]) -> str:
    """`revenue` is the tile of the net revenue; the first of the unusual days is named."""
    texts = {
        "revenue": revenue.short,
        "first": formats.day(choice.period.first),
        "last": formats.day(choice.period.last),
    }
    sentences = [_("Net revenue from %(first)s to %(last)s is %(revenue)s.") % texts]
    if revenue.change is not None:
        sentences.append(str(_CHANGES[choice.compare, revenue.direction]) % {"change": revenue.change_text})
    if unusual_days:
        sentences += [describe_unusual_day(unusual_days[0]), describe_cause(unusual_days[0])]
    return " ".join(sentence for sentence in sentences if sentence)
