"""The period picker, for every page with a period: `{% period_form choice %}` and `{% period_line choice %}`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template

from cdp_web.overview.periods import COMPARISONS, PRESETS, PeriodChoice

register = template.Library()
#: Parameters that a new period makes meaningless.
OWN = ("period", "from", "to", "compare", "page", "csv")


@register.inclusion_tag("overview/period_form.html", takes_context=True)
def period_form(context: template.Context, choice: PeriodChoice) -> dict[str, Any]:
    """The other parameters of the address stay."""
    others = [(name, value) for name, values in context["request"].GET.lists() if name not in OWN for value in values]
    return {
        "choice": choice,
        "others": others,
        "presets": [
            (preset.title, write_address(others, period=preset.key, compare=choice.compare), preset.key == choice.preset)
            for preset in PRESETS
        ],
        "comparisons": [
            (title, write_address(others, **choice.parameters | {"compare": key}), key == choice.compare)
            for key, title in COMPARISONS.items()
        ],
    }


def write_address(others: list[tuple[str, str]], **parameters: str) -> str:
    return f"?{urlencode([*parameters.items(), *others])}"


@register.inclusion_tag("overview/period_line.html")
def period_line(choice: PeriodChoice) -> dict[str, Any]:
    """The days of the period and of the comparison in words."""
    return {"choice": choice}
