"""The figures of the retention report."""

from __future__ import annotations

from datetime import date
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp_web.charts.chart import Chart, Column
from cdp_web.charts.theme import BAR, MUTED, PALETTE, make_figure, make_money_axis
from cdp_web.customers.links import link_to_customers
from cdp_web.insights.cohorts import Cohort, CohortCell, GapBucket, Measure, Unit
from cdp_web.insights.heat import HeatCell, make_heat_figure
from cdp_web.insights.retention import RetentionReport
from cdp_web.layout import formats

UNIT_TITLES = {"month": gettext_lazy("Months"), "week": gettext_lazy("Weeks")}
MEASURE_TITLES = {
    "customers": gettext_lazy("Active"),
    "buyers": gettext_lazy("Buyers"),
    "revenue": gettext_lazy("Revenue per customer"),
}
#: Lines of older cohorts would cover each other.
MOST_LINES = 6


def chart_cohorts(report: RetentionReport) -> Chart:
    """A row for each cohort, oldest first; the first column is its own month or week."""
    width = max((len(cohort.cells) for cohort in report.cohorts), default=0)
    cells = [
        [*(_make_cell(cohort, cell, report) for cell in cohort.cells), *[HeatCell(None)] * (width - len(cohort.cells))]
        for cohort in report.cohorts
    ]
    # The first column is all customers of a cohort, which would leave no colour for the others.
    later = [cell.value or 0 for row in cells for cell in row[1:]]
    figure = make_heat_figure(
        [str(number) for number in range(width)],
        [f"{name_start(cohort.start, report.unit)} · {formats.count_short(cohort.size)}" for cohort in report.cohorts],
        cells,
        top=max(later, default=0) or None,
        xaxis={"title": {"text": _("Months since first seen") if report.unit == "month" else _("Weeks since first seen")}},
    )
    places = _list_places(report.cohorts)
    return Chart(
        key="cohorts",
        title=_("Cohorts by month") if report.unit == "month" else _("Cohorts by week"),
        about=_(
            "Each row has the customers who were first seen in that month or week, with their number. Column 0 is that month or "
            "week itself. Active: they did anything. Buyers: they ordered. Revenue is net, divided by all customers of the "
            "cohort. A dashed cell is not over yet, so its number can still grow. A cell opens its customers; for buyers and "
            "revenue, those who bought."
        ),
        figure=figure,
        columns=[
            Column(_("Cohort")), Column(_("Month") if report.unit == "month" else _("Week")), Column(_("Number"), "count"),
            Column(_("Size"), "count"), Column(_("Active"), "count"), Column(_("Active, share"), "percent"),
            Column(_("Buyers"), "count"), Column(_("Buyers, share"), "percent"), Column(_("Net revenue"), "money"),
            Column(_("Revenue per customer"), "money"), Column(_("Over")),
        ],
        rows=[
            (
                name_start(cohort.start, report.unit), name_start(cell.row.start, report.unit), position, cell.size,
                cell.row.customers, cell.customers_share, cell.row.buyers, cell.buyers_share, cell.row.revenue,
                cell.revenue_per_customer, _("no") if cell.unfinished else _("yes"),
            )
            for cohort, position, cell in places
        ],
        links=[cell.link for *_rest, cell in places],
    )  # fmt: skip


def _list_places(cohorts: list[Cohort]) -> list[tuple[Cohort, int, CohortCell]]:
    """Every cell with its cohort and its number."""
    return [(cohort, number, cell) for cohort in cohorts for number, cell in enumerate(cohort.cells)]


def _make_cell(cohort: Cohort, cell: CohortCell, report: RetentionReport) -> HeatCell:
    text = _format_measure(cell, report.measure)
    hover = _("First seen %(cohort)s, in %(place)s: %(active)s active, %(buyers)s buyers, %(revenue)s") % {
        "cohort": name_start(cohort.start, report.unit),
        "place": name_start(cell.row.start, report.unit),
        "active": formats.count(cell.row.customers),
        "buyers": formats.count(cell.row.buyers),
        "revenue": formats.money(cell.row.revenue),
    }
    if cell.unfinished:
        hover += " (" + _("not over yet") + ")"
    return HeatCell(cell.measure(report.measure), text, hover, cell.link, cell.unfinished)


def _format_measure(cell: CohortCell, measure: Measure) -> str:
    if measure == "revenue":
        return formats.money_short(cell.revenue_per_customer and round(cell.revenue_per_customer, 2))
    return formats.percent(cell.buyers_share if measure == "buyers" else cell.customers_share)


def name_start(start: date, unit: Unit) -> str:
    return formats.month(start) if unit == "month" else formats.day_short(start)


def chart_curves(report: RetentionReport) -> Chart:
    """A line for each of the newest cohorts; the last point of a cohort may not be over yet."""
    cohorts = [cohort for cohort in report.cohorts if len(cohort.cells) > 1][-MOST_LINES:]
    traces = [_make_line(cohort, report, PALETTE[position % len(PALETTE)]) for position, cohort in enumerate(cohorts)]
    places = _list_places(cohorts)
    is_money = report.measure == "revenue"
    yaxis: dict[str, Any] = make_money_axis() if is_money else {"tickformat": ".0%"}
    return Chart(
        key="curves",
        title=_("How cohorts develop"),
        about=_("A line for each of the newest cohorts. A hollow point is not over yet. A point opens its customers."),
        figure=make_figure(*traces, hovermode="closest", showlegend=True, xaxis={"dtick": 1, "zeroline": False}, yaxis=yaxis),
        columns=[
            Column(_("Cohort")), Column(str(UNIT_TITLES[report.unit]), "count"),
            Column(str(MEASURE_TITLES[report.measure]), "money" if is_money else "percent"),
        ],
        rows=[
            (
                name_start(cohort.start, report.unit), position,
                cell.revenue_per_customer if is_money else cell.measure(report.measure),
            )
            for cohort, position, cell in places
        ],
        links=[cell.link for *_rest, cell in places],
    )  # fmt: skip


def _make_line(cohort: Cohort, report: RetentionReport, colour: str) -> go.Scatter:
    name = name_start(cohort.start, report.unit)
    return go.Scatter(
        name=name,
        x=list(range(len(cohort.cells))),
        y=[cell.measure(report.measure) for cell in cohort.cells],
        customdata=[cell.link for cell in cohort.cells],
        text=[f"{name}: {_format_measure(cell, report.measure)}" for cell in cohort.cells],
        hovertemplate="%{text}<extra></extra>",
        mode="lines+markers",
        cliponaxis=False,
        line={"color": colour, "width": 2},
        marker={"size": 8, "symbol": ["circle-open" if cell.unfinished else "circle" for cell in cohort.cells]},
    )


def chart_orders(report: RetentionReport) -> Chart:
    """Customers by their number of orders; a bar opens them."""
    names = [f"{each.orders}+" if each.is_last else str(each.orders) for each in report.orders]
    links = [link_to_customers(each.rule) for each in report.orders]
    shares = [each.customers / report.buyers for each in report.orders]
    counts = [each.customers for each in report.orders]
    return Chart(
        key="orders",
        title=_("How often buyers order"),
        about=_("Customers by their number of orders in the whole history. A bar opens them."),
        figure=make_figure(
            _make_bars(names, counts, links, [formats.percent(share) for share in shares]),
            height=280, xaxis={"type": "category", "title": {"text": _("Orders")}},
        ),
        columns=[Column(_("Orders")), Column(_("Customers"), "count"), Column(_("Share of buyers"), "percent")],
        rows=list(zip(names, counts, shares, strict=True)),
        links=links,
    )  # fmt: skip


def chart_gaps(report: RetentionReport) -> Chart:
    names = [name_gap(bucket) for bucket in report.gaps]
    links = [link_to_customers(bucket.rule) for bucket in report.gaps]
    counts = [bucket.customers for bucket in report.gaps]
    return Chart(
        key="gaps",
        title=_("Days between orders"),
        about=_(
            "Customers with at least two orders, by the mean number of days from one order to the next. Orders on one day are 0 "
            "days apart. A range includes its lower end, not its upper. A bar opens its customers."
        ),
        figure=make_figure(
            _make_bars(names, counts, links, [formats.count_short(count) for count in counts]),
            height=280, xaxis={"type": "category", "title": {"text": _("Days")}},
        ),
        columns=[Column(_("Days")), Column(_("Customers"), "count")],
        rows=list(zip(names, counts, strict=True)),
        links=links,
    )  # fmt: skip


def name_gap(bucket: GapBucket) -> str:
    if bucket.below is None:
        return f"{bucket.least}+"
    return _("under 1") if bucket.below == 1 else f"{bucket.least}–{bucket.below}"


def chart_second_orders(report: RetentionReport) -> Chart:
    """The share of customers with a second order, by the month of the first."""
    names = [formats.month(each.start) for each in report.first_orders]
    links = [link_to_customers(each.rule) for each in report.first_orders]
    shares = [each.share or 0 for each in report.first_orders]
    return Chart(
        key="second",
        title=_("Second orders by month of the first"),
        about=_(
            "Of the customers who ordered for the first time in a month, the share who have ordered again by the published day. "
            "Customers of recent months have had less time. A bar opens those who ordered again."
        ),
        figure=make_figure(
            _make_bars(names, shares, links, [formats.percent(share) for share in shares]),
            height=280, xaxis={"type": "category"}, yaxis={"tickformat": ".0%"},
        ),
        columns=[
            Column(_("First order in")), Column(_("Customers"), "count"), Column(_("Ordered again"), "count"),
            Column(_("Share"), "percent"),
        ],
        rows=[(name, each.buyers, each.repeaters, each.share) for name, each in zip(names, report.first_orders, strict=True)],
        links=links,
    )  # fmt: skip


def _make_bars(names: list[str], values: list[int] | list[float], links: list[str], texts: list[str]) -> go.Bar:
    return go.Bar(
        x=names,
        y=values,
        customdata=links,
        text=texts,
        textposition="outside",
        textfont={"color": MUTED},
        cliponaxis=False,
        hovertemplate="%{x}: %{text}<extra></extra>",
        marker={"color": BAR, "cornerradius": 3},
    )
