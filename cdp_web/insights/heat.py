"""Grids whose cells are coloured by a value and open an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from cdp_web.charts.theme import HEAT, MUTED, make_figure


@dataclass(frozen=True, slots=True)
class HeatCell:
    """`value` decides the colour; a cell without one stays empty. An unfinished cell has a dashed frame."""

    value: float | None
    text: str = ""
    hover: str = ""
    link: str = ""
    unfinished: bool = False


def make_heat_figure(
    columns: Sequence[str],
    rows: Sequence[str],
    cells: Sequence[Sequence[HeatCell]],
    *,
    row_height: int = 44,
    top: float | None = None,
    **layout: Any,
) -> go.Figure:
    """The first row is at the top. `top` is the value of the strongest colour."""
    heat = go.Heatmap(
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        z=[[cell.value for cell in row] for row in cells],
        text=[[cell.text for cell in row] for row in cells],
        hovertext=[[cell.hover for cell in row] for row in cells],
        customdata=[[cell.link for cell in row] for row in cells],
        texttemplate="%{text}",
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        colorscale=HEAT,
        zmin=0,
        zmax=top or max((cell.value or 0 for row in cells for cell in row), default=0) or 1,
        showscale=False,
        xgap=3,
        ygap=3,
        textfont={"size": 11},
    )
    axis = {"showgrid": False, "rangemode": "normal", "ticks": ""}
    xaxis = axis | {"tickvals": list(range(len(columns))), "ticktext": list(columns), "side": "top"} | layout.pop("xaxis", {})
    yaxis = axis | {"tickvals": list(range(len(rows))), "ticktext": list(rows), "autorange": "reversed"} | layout.pop("yaxis", {})
    frames = [_make_frame(x, y) for y, row in enumerate(cells) for x, cell in enumerate(row) if cell.unfinished]
    return make_figure(heat, height=64 + row_height * max(1, len(rows)), xaxis=xaxis, yaxis=yaxis, shapes=frames, **layout)


def _make_frame(x: int, y: int) -> dict[str, Any]:
    line = {"color": MUTED, "width": 1.5, "dash": "dot"}
    return {
        "type": "rect",
        "x0": x - 0.46,
        "x1": x + 0.46,
        "y0": y - 0.42,
        "y1": y + 0.42,
        "line": line,
        "fillcolor": "rgba(0,0,0,0)",
    }
