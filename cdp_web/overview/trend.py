"""The chart of one measure over time: bars by day, week or month, the earlier period as a line, unusual days marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp_web.charts.chart import Chart, Column, Option
from cdp_web.charts.theme import BAR, MUTED, SECOND, make_day_axis, make_figure, make_money_axis
from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.layout import formats
from cdp_web.overview.kpis import Kpi
from cdp_web.overview.periods import Period
from cdp_web.overview.totals import Point, Step
from cdp_web.overview.unusual import UnusualDay, describe_cause, describe_unusual_day

#: The measures of the switch. The tiles lead to the same chart.
MEASURES = ("revenue", "gross_revenue", "refunds", "orders", "average_order", "conversion", "customers")
DOORS: dict[str, Promise] = {
    "purchase": gettext_lazy("A bar opens the customers who bought then."),
    "refund": gettext_lazy("A bar opens the customers who had a refund then."),
    "any": gettext_lazy("A bar opens the customers with an event then."),
}


def chart_trend(
    kpi: Kpi,
    points: Sequence[Point],
    points_before: Sequence[Point],
    step: Step,
    unusual_days: Sequence[UnusualDay],
    options: Sequence[Option],
) -> Chart:
    links = [link_to_customers(did_between(kpi.event, point.period.first, point.period.last)) for point in points]
    marked = [day for day in unusual_days if kpi.key in ("revenue", "gross_revenue") and step == "day"]
    traces = [_make_bars(kpi, points, links), *_make_line(kpi, points, points_before), *_make_marks(kpi, points, marked)]
    axis = make_money_axis() if kpi.kind == "money" else {"tickformat": ".1%"} if kpi.kind == "percent" else {}
    return Chart(
        key="trend",
        title=str(kpi.title),
        about=f"{kpi.about} {DOORS[kpi.event]}",
        figure=make_figure(*traces, hovermode="x", xaxis=make_day_axis(), yaxis=axis, showlegend=bool(points_before)),
        columns=_build_columns(kpi, step, bool(points_before)),
        rows=_build_rows(kpi, points, points_before),
        links=links,
        options=options,
        notes=[f"{describe_unusual_day(day)} {describe_cause(day)}" for day in unusual_days],
    )


def _make_bars(kpi: Kpi, points: Sequence[Point], links: Sequence[str]) -> go.Bar:
    return go.Bar(
        name=str(kpi.title),
        x=[point.period.first for point in points],
        y=[_to_number(kpi, point) for point in points],
        customdata=links,
        text=[_describe(kpi, point) for point in points],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        marker={"color": BAR, "cornerradius": 3},
    )


def _make_line(kpi: Kpi, points: Sequence[Point], points_before: Sequence[Point]) -> list[go.Scatter]:
    """Earlier days below the days that they are compared with."""
    if not points_before:
        return []
    earlier = points_before[: len(points)]
    line = go.Scatter(
        name=_("Compared with"),
        x=[point.period.first for point in points[: len(earlier)]],
        y=[_to_number(kpi, point) for point in earlier],
        text=[_describe(kpi, point) for point in earlier],
        hovertemplate="%{text}<extra></extra>",
        mode="lines",
        line={"color": MUTED, "width": 1.5, "dash": "dot"},
    )
    return [line]


def _make_marks(kpi: Kpi, points: Sequence[Point], days: Sequence[UnusualDay]) -> list[go.Scatter]:
    heights = {point.period.first: _to_number(kpi, point) for point in points}
    if not days:
        return []
    marks = go.Scatter(
        name=_("Unusual day"),
        x=[day.day for day in days],
        y=[heights[day.day] for day in days],
        mode="markers",
        marker={"color": SECOND, "size": 9, "symbol": "diamond"},
        hoverinfo="skip",
    )
    return [marks]


def _to_number(kpi: Kpi, point: Point) -> float | None:
    value = kpi.value(point.totals)
    return None if value is None else float(value)


def _describe(kpi: Kpi, point: Point) -> str:
    return f"{name_days(point.period)}: {kpi.exact(kpi.value(point.totals))}"


def name_days(period: Period) -> str:
    if period.days == 1:
        return f"{formats.weekday(period.first, 'abbreviated')} {formats.day_short(period.first)}"
    return f"{formats.day_short(period.first)} – {formats.day_short(period.last)}"


def _build_columns(kpi: Kpi, step: Step, has_before: bool) -> list[Column]:
    first = {"day": _("Day"), "week": _("Week from"), "month": _("Month from")}[step]
    columns = [Column(first, "day"), Column(str(kpi.title), kpi.kind)]
    return [*columns, Column(_("Compared with"), "day"), Column(_("Its value"), kpi.kind)] if has_before else columns


def _build_rows(kpi: Kpi, points: Sequence[Point], points_before: Sequence[Point]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [(point.period.first, kpi.value(point.totals)) for point in points]
    if not points_before:
        return rows
    earlier: list[tuple[Any, ...]] = [(point.period.first, kpi.value(point.totals)) for point in points_before[: len(points)]]
    earlier += [(None, None)] * (len(points) - len(earlier))
    return [row + before for row, before in zip(rows, earlier, strict=True)]
