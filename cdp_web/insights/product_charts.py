"""The figures of the products report, and its table as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from cdp.days import days_between
from cdp_web.charts.chart import Chart, Column
from cdp_web.charts.theme import BAR, MUTED, PALETTE, make_day_axis, make_figure, make_money_axis, write_text
from cdp_web.customers.links import link_to_customers
from cdp_web.insights.products import DRAWN, ProductReport, ThingRow, build_label
from cdp_web.insights.things import TABS, ThingQuery, build_behaviour, build_filters, link_row
from cdp_web.layout import formats
from cdp_web.overview.periods import Period

#: Longer periods are drawn by week.
MOST_DAYS = 62
MOST_MARKERS = 16


def chart_share(report: ProductReport) -> Chart:
    """Net revenue of the top ten and of all others; a bar opens the buyers."""
    query = report.query
    rows = [(build_label(query, each.key, report.names), each.revenue) for each in report.top]
    links = [link_row(query.tab, each.key, query.level, report.period).buyers for each in report.top]
    if report.total > len(rows):
        others = _("%(count)s others") % {"count": formats.count(report.total - len(rows))}
        rows.append((others, report.revenue - sum((value for __, value in rows), Decimal(0))))
        links.append("")
    shares = [float(value / report.revenue) if report.revenue > 0 else None for __, value in rows]
    bars = go.Bar(
        orientation="h",
        x=[float(value) for __, value in rows],
        y=list(range(len(rows))),
        customdata=links,
        text=[formats.percent(share) for share in shares],
        hovertext=[write_text(f"{name}: {formats.money(value)}") for name, value in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        textposition="outside",
        cliponaxis=False,
        marker={"color": [BAR if link else MUTED for link in links], "cornerradius": 3},
    )
    ticks = {"tickvals": list(range(len(rows))), "ticktext": [write_text(_shorten(query, name)) for name, __ in rows]}
    figure = make_figure(
        bars,
        height=70 + 26 * max(1, len(rows)),
        xaxis=make_money_axis() | {"nticks": 4, "tickangle": 0},
        yaxis={"autorange": "reversed", "showgrid": False, "rangemode": "normal"} | ticks,
        margin={"l": 8, "r": 48, "t": 8, "b": 8},
    )
    return Chart(
        key="share",
        title=_("Where the net revenue comes from"),
        about=_("Net revenue of the period: the top ten, and all others together. A bar opens the customers who bought it."),
        figure=figure,
        columns=[Column(str(TABS[query.tab])), Column(_("Net revenue"), "money"), Column(_("Share"), "percent")],
        rows=[(name, value, share) for (name, value), share in zip(rows, shares, strict=True)],
        links=links,
    )


def chart_trend(report: ProductReport) -> Chart:
    """A line for each of the greatest; a point opens the customers who bought it then."""
    query, spans = report.query, list(split_days(report.period))
    traces, rows, links = [], [], []
    for position, each in enumerate(report.top[:DRAWN]):
        label, filters = build_label(query, each.key, report.names), build_filters(query.tab, each.key, query.level)
        by_day, short = report.top_days.get(each.key, {}), _shorten(query, label)
        values = [sum((money for day, money in by_day.items() if span.first <= day <= span.last), Decimal(0)) for span in spans]
        addresses = [link_to_customers(build_behaviour("purchase", filters, span)) for span in spans]
        traces.append(
            go.Scatter(
                name=write_text(short),
                x=[span.first for span in spans],
                y=[float(value) for value in values],
                customdata=addresses,
                text=[write_text(f"{short}: {formats.money(value)}") for value in values],
                hovertemplate="%{text}<extra></extra>",
                mode="lines+markers" if len(spans) <= MOST_MARKERS else "lines",
                marker={"size": 5},
                line={"color": PALETTE[position % len(PALETTE)], "width": 2},
            )
        )
        rows += [(span.first, label, value) for span, value in zip(spans, values, strict=True)]
        links += addresses
    by_week = spans[0].days > 1
    return Chart(
        key="trend",
        title=_("Net revenue of the top five, by week") if by_week else _("Net revenue of the top five, by day"),
        about=_("The five with the most net revenue in the period. A point opens the customers who bought it then."),
        figure=make_figure(*traces, height=356, hovermode="x unified", xaxis=make_day_axis(), yaxis=make_money_axis()),
        columns=[
            Column(_("Week from") if by_week else _("Day"), "day"), Column(str(TABS[query.tab])),
            Column(_("Net revenue"), "money"),
        ],
        rows=rows,
        links=links,
    )  # fmt: skip


def split_days(period: Period) -> Iterator[Period]:
    """Days, or weeks from Monday if the period is long; the first and last week are cut at the ends of the period."""
    if period.days <= MOST_DAYS:
        yield from (Period(day, day) for day in days_between(period.first, period.last))
        return
    first = period.first
    while first <= period.last:
        sunday = first + timedelta(days=6 - first.weekday())
        yield Period(first, min(sunday, period.last))
        first = sunday + timedelta(days=1)


def build_table(key: str, query: ThingQuery, rows: Sequence[ThingRow]) -> Chart:
    """All rows as a table without a figure, for a file."""
    columns = [
        Column(str(TABS[query.tab])), Column(_("Name")), Column(_("Category")), Column(_("Brand")), Column(_("Views"), "count"),
        Column(_("Carts"), "count"), Column(_("Viewers"), "count"), Column(_("Buyers"), "count"),
        Column(_("Viewed, not bought"), "count"), Column(_("View to cart"), "percent"), Column(_("View to purchase"), "percent"),
        Column(_("Orders"), "count"), Column(_("Items"), "count"), Column(_("Net revenue"), "money"),
        Column(_("Net revenue before"), "money"), Column(_("Change"), "percent"),
    ]  # fmt: skip
    values = [
        (
            row.sums.key, row.name, row.sums.category, row.sums.brand, row.sums.views, row.sums.carts, row.people.viewers,
            row.people.buyers, row.people.not_bought, row.cart_rate, row.purchase_rate, row.sums.orders, row.sums.items,
            row.sums.revenue, row.sums.revenue_before, row.sums.change,
        )
        for row in rows
    ]  # fmt: skip
    return Chart(key, str(TABS[query.tab]), "", make_figure(), columns, values)


def _shorten(query: ThingQuery, name: str, most: int = 28) -> str:
    """The end of a long category says more than its beginning."""
    if len(name) <= most:
        return name
    return f"…{name[-most + 1 :]}" if query.tab == "categories" else f"{name[: most - 1]}…"
