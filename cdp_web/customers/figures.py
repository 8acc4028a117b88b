"""The figures of one customer's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from cdp.rules import Language
from cdp.rules.sentence import PHRASES
from cdp_web.charts.chart import Chart, Column
from cdp_web.charts.theme import BAR, GRID, HEAT, MUTED, SECOND, make_day_axis, make_figure, make_money_axis, write_text
from cdp_web.customers.activity import Activity, Favourite, Period, Thing
from cdp_web.customers.links import link_to_customers
from cdp_web.layout import formats
from cdp_web.names.selectors import ARROW, Names

#: Characters beside a bar.
MAX_LABEL = 18
_HOVER = "%{text}<extra></extra>"


def list_charts(activity: Activity, language: Language, names: Names) -> list[Chart]:
    charts = [chart_activity(activity.periods, by_month=activity.by_month), chart_hours(activity.hours, language)]
    return charts + [chart_favourites(thing, rows, names) for thing, rows in activity.favourites.items()]


def chart_activity(periods: Sequence[Period], *, by_month: bool) -> Chart:
    has_money = any(period.order_days or period.money for period in periods)
    return Chart(
        key="activity",
        title=_("Money and activity by month") if by_month else _("Money and activity by week"),
        about=_("Money is purchases less refunds; a diamond marks orders. Events are all but refunds."),
        figure=_draw_money_and_events(periods, by_month) if has_money else _draw_events(periods, by_month),
        columns=[
            Column(_("Month") if by_month else _("Week from"), "day"), Column(_("Net revenue"), "money"),
            Column(_("Days with an order"), "count"), Column(_("Units bought"), "count"), Column(_("Events"), "count"),
        ],
        rows=[(period.first, period.money, period.order_days, period.bought, period.events) for period in periods],
    )  # fmt: skip


def _draw_events(periods: Sequence[Period], by_month: bool) -> go.Figure:
    """For a customer who never paid: an empty axis of money would say nothing."""
    return make_figure(_build_event_bars(periods, by_month), xaxis=make_day_axis())


def _draw_money_and_events(periods: Sequence[Period], by_month: bool) -> go.Figure:
    """Money above, events below, each with its own axis; a diamond marks a period with an order."""
    ordered = [period for period in periods if period.order_days]
    money = go.Bar(
        name=_("Net revenue"), x=[period.first for period in periods], y=[float(period.money) for period in periods],
        text=[f"{_name_period(period, by_month)}: {formats.money(period.money)}" for period in periods],
        textposition="none", hovertemplate=_HOVER, marker={"color": BAR, "cornerradius": 3},
    )  # fmt: skip
    orders = go.Scatter(
        name=_("Orders"), x=[period.first for period in ordered], y=[max(float(period.money), 0) for period in ordered],
        mode="markers", marker={"color": SECOND, "size": 9, "symbol": "diamond"},
        text=[_describe_orders(period) for period in ordered], hovertemplate=_HOVER, cliponaxis=False,
    )  # fmt: skip
    events = _build_event_bars(periods, by_month).update(yaxis="y2")
    above = make_money_axis() | {"domain": [0.42, 1], "rangemode": "normal", "nticks": 5}
    below = {
        "domain": [0, 0.3], "gridcolor": GRID, "fixedrange": True, "rangemode": "tozero", "automargin": True, "nticks": 3,
        "zeroline": False, "tickfont": {"color": MUTED},
    }  # fmt: skip
    xaxis = make_day_axis() | {"anchor": "y2"}
    return make_figure(money, orders, events, barmode="overlay", xaxis=xaxis, yaxis=above, yaxis2=below)


def _build_event_bars(periods: Sequence[Period], by_month: bool) -> go.Bar:
    return go.Bar(
        name=_("Events"), x=[period.first for period in periods], y=[period.events for period in periods],
        text=[f"{_name_period(period, by_month)}: {formats.count(period.events)}" for period in periods],
        textposition="none", hovertemplate=_HOVER, marker={"color": MUTED, "cornerradius": 3},
    )  # fmt: skip


def chart_hours(hours: dict[tuple[int, int], int], language: Language) -> Chart:
    weekdays = PHRASES[language].weekdays
    grid = [[hours.get((weekday, hour), 0) for hour in range(24)] for weekday in range(1, 8)]
    texts = [
        [f"{weekdays[row]}, {hour:02}:00: {formats.count(grid[row][hour])}" for hour in range(24)] for row in range(7)
    ]  # fmt: skip
    heat = go.Heatmap(
        z=grid, x=[f"{hour:02}" for hour in range(24)], y=list(weekdays), text=texts, hovertemplate=_HOVER, colorscale=HEAT,
        showscale=False, xgap=2, ygap=2, zmin=0,
    )  # fmt: skip
    axes: dict[str, Any] = {"xaxis": {"type": "category", "nticks": 8}, "yaxis": {"type": "category", "autorange": "reversed"}}
    return Chart(
        key="hours",
        title=_("Hours and weekdays"),
        about=_("All events but refunds by day of the week and hour, in UTC. The stronger the colour, the more."),
        figure=make_figure(heat, **axes),
        columns=[Column(_("Day")), Column(_("Hour")), Column(_("Events"), "count")],
        rows=[(weekdays[weekday - 1], f"{hour:02}:00", events) for (weekday, hour), events in sorted(hours.items())],
    )


def chart_favourites(thing: Thing, rows: Sequence[Favourite], names: Names) -> Chart:
    """Bars of views; those of which something was bought have the second colour. A bar opens the customers who looked at it."""
    titles = {"category": _("Favourite categories"), "brand": _("Favourite brands"), "product": _("Favourite products")}
    labels = [name_thing(thing, row.name, names) for row in rows]
    links = [link_to_customers(_build_viewers(thing, row.name)) for row in rows]
    bars = go.Bar(
        orientation="h", x=[row.views for row in rows], y=[row.name for row in rows], customdata=links,
        text=[f"{write_text(label)}<br>{_describe_favourite(row)}" for label, row in zip(labels, rows, strict=True)],
        textposition="none", hovertemplate=_HOVER,
        marker={"color": [SECOND if row.bought else BAR for row in rows], "cornerradius": 3},
    )  # fmt: skip
    axes: dict[str, Any] = {
        "xaxis": {"showgrid": True, "rangemode": "tozero", "nticks": 4}, "yaxis": {
            "type": "category", "autorange": "reversed", "showgrid": False, "tickvals": [row.name for row in rows],
            "ticktext": [write_text(_shorten(thing, label)) for label in labels], "ticksuffix": " ",
        },
    }  # fmt: skip
    return Chart(
        key=f"favourite-{thing}",
        title=titles[thing],
        about=_("By product views. Orange: something of it was bought. A bar opens the customers who looked at it."),
        figure=make_figure(bars, height=60 + 30 * len(rows), **axes),
        columns=[Column(_("Name")), Column(_("Views"), "count"), Column(_("Bought"), "count"), Column(_("Net revenue"), "money")],
        rows=[(label, row.views, row.bought, row.money) for label, row in zip(labels, rows, strict=True)],
        links=links,
    )


def name_thing(thing: Thing, key: str, names: Names) -> str:
    """Its name in the shop. Without one electronics.smartphone is electronics › smartphone, and a product is its id."""
    if thing == "category":
        return names.categories.get(key) or key.replace(".", ARROW)
    return names.name_product(key) if thing == "product" else key


def _shorten(thing: Thing, name: str) -> str:
    """The last level of a category: there is little room beside the bars."""
    last = name.rpartition(ARROW)[2] if thing == "category" else name
    return last if len(last) <= MAX_LABEL else f"{last[: MAX_LABEL - 1]}…"


def _build_viewers(thing: Thing, name: str) -> dict[str, Any]:
    """The rule node for customers who looked at the thing."""
    if thing == "category":  # of up to three levels
        values = dict(zip(("category_1", "category_2", "category_3"), name.split(".", 2), strict=False))
    else:
        values = {"brand" if thing == "brand" else "product_id": name}
    where = [{"field": field, "operator": "eq", "value": value} for field, value in values.items()]
    return {"behaviour": {"event": "view", "did": True, "where": where}}


def _name_period(period: Period, by_month: bool) -> str:
    return formats.month(period.first) if by_month else _("Week from %(day)s") % {"day": formats.day_short(period.first)}


def _describe_orders(period: Period) -> str:
    values = {"units": formats.count(period.bought), "days": formats.days(period.order_days)}
    return _("Orders on %(days)s, units: %(units)s") % values


def _describe_favourite(row: Favourite) -> str:
    values = {"views": formats.count(row.views), "bought": formats.count(row.bought), "money": formats.money(row.money)}
    return _("Views: %(views)s, bought: %(bought)s, net revenue: %(money)s") % values
