"""The figures of the overview."""

from __future__ import annotations

from datetime import date

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from cdp.days import days_between
from cdp_web.charts.chart import Chart, Column
from cdp_web.charts.theme import BAR, MUTED, make_day_axis, make_figure, make_money_axis
from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.layout import formats
from cdp_web.overview.periods import Period
from cdp_web.overview.selectors import KpiDay


def chart_revenue(period: Period, days: dict[date, KpiDay], before: Period | None, days_before: dict[date, KpiDay]) -> Chart:
    """Net revenue by day, with the period before as a line; a bar opens the customers who bought on its day."""
    rows = [days.get(day, KpiDay(day)) for day in days_between(period.first, period.last)]
    links = [link_to_customers(did_between("purchase", row.day, row.day)) for row in rows]
    bars = go.Bar(
        name=_("Net revenue"),
        x=[row.day for row in rows],
        y=[float(row.revenue) for row in rows],
        customdata=links,
        text=[formats.money(row.revenue) for row in rows],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        marker={"color": BAR, "cornerradius": 3},
    )
    traces = [bars]
    if before:
        earlier = [days_before.get(day, KpiDay(day)) for day in days_between(before.first, before.last)]
        traces.append(
            go.Scatter(
                name=_("Period before"),
                x=[row.day for row in rows],
                y=[float(row.revenue) for row in earlier],
                text=[f"{formats.day_short(row.day)}: {formats.money(row.revenue)}" for row in earlier],
                hovertemplate="%{text}<extra></extra>",
                mode="lines",
                line={"color": MUTED, "width": 1.5, "dash": "dot"},
            )
        )
    figure = make_figure(*traces, hovermode="x unified", xaxis=make_day_axis(), yaxis=make_money_axis())
    return Chart(
        key="revenue",
        title=_("Net revenue by day"),
        about=_("Gross revenue less refunds. A bar opens the customers who bought on that day."),
        figure=figure,
        columns=[Column(_("Day"), "day"), Column(_("Net revenue"), "money"), Column(_("Orders"), "count")],
        rows=[(row.day, row.revenue, row.orders) for row in rows],
        links=links,
    )
