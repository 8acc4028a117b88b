"""The look of all figures. Colours are names of the design tokens in css/tokens.css, which the script replaces by the colours of
the theme, so one figure serves light and dark."""

from __future__ import annotations

from html import escape
from typing import Any

import plotly.graph_objects as go

from cdp_web.layout import formats

BAR = "var(--chart-bar)"
SECOND = "var(--second)"
MUTED = "var(--text-muted)"
TEXT = "var(--text)"
GRID = "var(--border)"
SURFACE = "var(--surface-raised)"
GOOD = "var(--good)"
BAD = "var(--bad)"
#: Categories in this order: no two neighbours are alike for readers with a colour vision deficiency.
PALETTE = tuple(f"var(--chart-{number})" for number in range(1, 7))
#: From few to many.
HEAT = [[position / 4, f"var(--heat-{position})"] for position in range(5)]

_AXIS: dict[str, Any] = {
    "gridcolor": GRID,
    "zeroline": False,
    "fixedrange": True,
    "automargin": True,
    "tickfont": {"color": MUTED},
    "title": None,
}


def make_figure(*traces: Any, height: int = 320, **layout: Any) -> go.Figure:
    """A figure with the look of the site. `layout` adds to it; `xaxis` and `yaxis` add to the axes."""
    xaxis = _AXIS | {"showgrid": False} | layout.pop("xaxis", {})
    yaxis = _AXIS | {"rangemode": "tozero"} | layout.pop("yaxis", {})
    base: dict[str, Any] = {
        "template": None,
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "font": {"size": 12, "color": TEXT},
        "hoverlabel": {"bgcolor": SURFACE, "bordercolor": GRID, "font": {"color": TEXT}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False},
        "separators": formats.get_separators(),
        "colorway": list(PALETTE),
        "bargap": 0.35,
    }
    return go.Figure(traces, base | layout | {"xaxis": xaxis, "yaxis": yaxis})


def write_text(text: str) -> str:
    """A text in a figure, where tags would format it: names may have any characters."""
    return escape(text, quote=False)


def make_day_axis() -> dict[str, Any]:
    whole, short = formats.get_day_patterns()
    return {"type": "date", "hoverformat": whole, "tickformat": short}


def make_hour_axis() -> dict[str, Any]:
    """The day is below its first hour."""
    _, short = formats.get_day_patterns()
    return {"type": "date", "tickformat": f"%H:%M\n{short}"}


def make_money_axis() -> dict[str, Any]:
    prefix, suffix = formats.get_currency_affixes()
    return {"tickprefix": prefix, "ticksuffix": suffix, "tickformat": "~s"}
