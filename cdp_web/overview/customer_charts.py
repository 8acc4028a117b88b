"""Charts of customers: new and returning ones, and the funnel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from cdp_web.charts.chart import Chart, Column
from cdp_web.charts.theme import BAR, SECOND, make_day_axis, make_figure
from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.layout import formats
from cdp_web.overview.funnel import FunnelStep
from cdp_web.overview.kpis import explain_new
from cdp_web.overview.periods import Period, PeriodChoice
from cdp_web.overview.totals import Point
from cdp_web.overview.trend import name_days


def was_new(period: Period) -> dict[str, Any]:
    """The node for customers whose first event ever is in the period."""
    between = [period.first.isoformat(), period.last.isoformat()]
    return {"metric": {"field": "first_seen", "operator": "between", "value": between}}


def chart_customers(points: Sequence[Point], choice: PeriodChoice) -> Chart:
    """New customers and those who came back, stacked: together all customers of the day."""
    new = [point.totals.new_customers for point in points]
    back = [point.totals.counts.customers - point.totals.new_customers for point in points]
    new_links = [link_to_customers(was_new(point.period)) for point in points]
    back_links = [link_to_customers(_came_back(point.period)) for point in points]
    names = [name_days(point.period) for point in points]
    bars = [
        _make_stack(_("New"), points, new, new_links, names, SECOND),
        _make_stack(_("Returning"), points, back, back_links, names, BAR),
    ]
    note = explain_new(choice, choice.period.first)
    return Chart(
        key="customers",
        title=_("New and returning customers"),
        about=_("New customers had their first event ever then; all others are returning. A bar opens its customers."),
        figure=make_figure(*bars, barmode="stack", hovermode="x", height=280, xaxis=make_day_axis()),
        columns=[Column(_("From"), "day"), Column(_("New"), "count"), Column(_("Returning"), "count")],
        rows=[(point.period.first, *counts) for point, *counts in zip(points, new, back, strict=True)],
        links=new_links,
        notes=[note] if note else [],
    )


def _came_back(period: Period) -> dict[str, Any]:
    return {"all": [did_between("any", period.first, period.last), {"not": was_new(period)}]}


def _make_stack(
    title: str, points: Sequence[Point], counts: Sequence[int], links: Sequence[str], names: Sequence[str], colour: str
) -> go.Bar:
    return go.Bar(
        name=title,
        x=[point.period.first for point in points],
        y=counts,
        customdata=links,
        text=[f"{name}: {title} {formats.count(count)}" for name, count in zip(names, counts, strict=True)],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        marker={"color": colour},
    )


def chart_funnel(steps: Sequence[FunnelStep]) -> Chart:
    links = [step.link for step in steps]
    texts = [f"{formats.count(step.customers)} · {formats.percent(step.customers_share)}" for step in steps]
    bars = go.Bar(
        orientation="h",
        x=[step.customers for step in steps],
        y=[step.title for step in steps],
        customdata=links,
        text=texts,
        textposition="auto",
        hovertemplate="%{y}: %{text}<extra></extra>",
        marker={"color": BAR, "cornerradius": 3},
    )
    yaxis = {"autorange": "reversed", "rangemode": "normal", "showgrid": False, "ticksuffix": " "}
    figure = make_figure(bars, height=200, bargap=0.25, xaxis={"visible": False}, yaxis=yaxis)
    sessions = {"view": formats.count(steps[0].sessions), "cart": formats.count(steps[1].sessions)}
    sessions |= {"share": formats.percent(steps[1].share), "purchase": formats.count(steps[2].sessions)}
    note = _(
        "Sessions: %(view)s had a view, %(cart)s a view and a cart (%(share)s), %(purchase)s a purchase with or without a cart. "
        "So for sessions, the last step has no share of the step before."
    )
    return Chart(
        key="funnel",
        title=_("From view to purchase"),
        about=_("Customers who did the step and all steps before it in the period, in any order. A step opens its customers."),
        figure=figure,
        columns=[
            Column(_("Step")),
            Column(_("Customers"), "count"),
            Column(_("Of the first step"), "percent"),
            Column(_("Of the step before"), "percent"),
            Column(_("Sessions"), "count"),
        ],
        rows=[
            (step.title, step.customers, step.customers_share, step.customers_from_step_before, step.sessions) for step in steps
        ],
        links=links,
        notes=[note % sessions],
    )
