"""Charts of orders: by weekday and hour, and by value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from cdp_web.charts.chart import Chart, Column, Option
from cdp_web.charts.theme import BAR, HEAT, make_figure
from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.layout import formats
from cdp_web.overview.breakdowns import HourTotal, OrderValueRange
from cdp_web.overview.periods import Period

MONDAY = date(2019, 9, 2)
HEAT_MEASURES = ("orders", "revenue")


def chart_hours(hours: Sequence[HourTotal], measure: str, period: Period, options: Sequence[Option]) -> Chart:
    """Days of the week by hours; a cell opens the customers who bought in this hour on these weekdays."""
    weekdays = [formats.weekday(MONDAY + timedelta(days=number), "abbreviated") for number in range(7)]
    grid = _build_grid(hours)
    heat = go.Heatmap(
        x=list(range(24)),
        y=weekdays,
        z=[[float(getattr(cell, measure)) for cell in row] for row in grid],
        customdata=[[_link_to_hour(cell, period) for cell in row] for row in grid],
        text=[[_describe_hour(cell, weekdays) for cell in row] for row in grid],
        hovertemplate="%{text}<extra></extra>",
        colorscale=HEAT,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    figure = make_figure(
        heat,
        height=280,
        xaxis={"tickmode": "array", "tickvals": list(range(0, 24, 3)), "ticktext": [str(hour) for hour in range(0, 24, 3)]},
        yaxis={"autorange": "reversed", "rangemode": "normal", "showgrid": False, "ticksuffix": " "},
    )
    rows = [cell for row in grid for cell in row if cell.orders or cell.revenue]
    return Chart(
        key="hours",
        title=_("Orders by weekday and hour") if measure == "orders" else _("Net revenue by weekday and hour"),
        about=_(
            "All such weekdays of the period together; hours are in UTC. An order counts in the hour of its first purchase. "
            "A cell opens the customers who bought then."
        ),
        figure=figure,
        columns=[
            Column(_("Weekday")),
            Column(_("Hour"), "count"),
            Column(_("Orders"), "count"),
            Column(_("Net revenue"), "money"),
        ],
        rows=[(weekdays[cell.weekday - 1], cell.hour, cell.orders, cell.revenue) for cell in rows],
        links=[_link_to_hour(cell, period) for cell in rows],
        options=options,
    )


def _build_grid(hours: Sequence[HourTotal]) -> list[list[HourTotal]]:
    """A row for each weekday with its 24 hours; an hour without events is zero."""
    totals = {(hour.weekday, hour.hour): hour for hour in hours}
    return [
        [totals.get((weekday, hour)) or HourTotal(weekday, hour, 0, Decimal(0)) for hour in range(24)] for weekday in range(1, 8)
    ]


def _link_to_hour(cell: HourTotal, period: Period) -> str:
    return link_to_customers(did_between("purchase", period.first, period.last, weekday=cell.weekday, hour=cell.hour))


def _describe_hour(cell: HourTotal, weekdays: Sequence[str]) -> str:
    texts = {
        "weekday": weekdays[cell.weekday - 1],
        "hour": f"{cell.hour}:00",
        "orders": formats.count(cell.orders),
        "revenue": formats.money(cell.revenue),
    }
    return _("%(weekday)s %(hour)s: %(orders)s orders, %(revenue)s") % texts


def chart_order_values(ranges: Sequence[OrderValueRange]) -> Chart:
    total = sum(each.orders for each in ranges)
    names = [_name_range(each) for each in ranges]
    bars = go.Bar(
        x=[formats.money_whole(each.from_value) for each in ranges],
        y=[each.orders for each in ranges],
        text=[
            _("%(range)s: %(orders)s orders, %(share)s")
            % {"range": name, "orders": formats.count(each.orders), "share": formats.percent(each.orders / total)}
            for name, each in zip(names, ranges, strict=True)
        ],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        marker={"color": BAR, "cornerradius": 3},
    )
    return Chart(
        key="order-values",
        title=_("Order values"),
        about=_("Orders by their value before refunds. A bar begins at the value below it and ends before the next one."),
        figure=make_figure(bars, height=280, bargap=0.15, xaxis={"type": "category"}),
        columns=[
            Column(_("Value")),
            Column(_("Orders"), "count"),
            Column(_("Share of orders"), "percent"),
            Column(_("Value of the orders"), "money"),
        ],
        rows=[(name, each.orders, each.orders / total, each.revenue) for name, each in zip(names, ranges, strict=True)],
    )


def _name_range(each: OrderValueRange) -> str:
    low = formats.money_whole(each.from_value)
    return f"{low} +" if each.to_value is None else f"{low} – {formats.money_whole(each.to_value)}"
