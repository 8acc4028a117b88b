"""The figures of the audience report, and its groups as files."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp.metrics.rfm import RFM_GROUPS, SCORES
from cdp_web.charts.chart import Chart, Column, Option
from cdp_web.charts.theme import make_figure
from cdp_web.insights.audience import LifecycleRow
from cdp_web.insights.heat import HeatCell, make_heat_figure
from cdp_web.insights.rfm import Flow, GridCell, GroupRow, get_title, link_flow, list_moves
from cdp_web.layout import formats

Measure = Literal["customers", "revenue", "average"]
MEASURES = {
    "customers": gettext_lazy("Customers"),
    "revenue": gettext_lazy("Net revenue"),
    "average": gettext_lazy("Revenue per customer"),
}
#: Letters in a line of a cell, so that labels fit on phones.
LABEL_WIDTH = 9
SINCE = {"month": gettext_lazy("In 30 days"), "day": gettext_lazy("Since the day before")}


def chart_grid(grid: Sequence[GridCell], measure: Measure, options: Sequence[Option] = ()) -> Chart:
    """The most recent buyers are at the top, the most valuable at the right."""
    places = {(cell.recency, cell.worth): cell for cell in grid}
    recencies = list(reversed(SCORES))
    cells = [[_make_cell(places[recency, worth], measure) for worth in SCORES] for recency in recencies]
    figure = make_heat_figure(
        [str(worth) for worth in SCORES],
        [str(recency) for recency in recencies],
        cells,
        row_height=66,
        xaxis={"title": {"text": _("Worth: mean of frequency and money")}},
        yaxis={"title": {"text": _("Recency")}},
    )
    rows = [cell for cell in sorted(grid, key=lambda cell: (-cell.recency, -cell.worth)) if cell.customers]
    return Chart(
        key="rfm",
        title=_("Buyers by recency and worth"),
        about=_(
            "Scores from 1 to 5 compare each buyer with all others; 5 is best. Recency says how recent the last order is. Worth "
            "is the mean of the scores for the number of orders and for money. Revenue is net, of the whole history. A cell "
            "opens its customers."
        ),
        figure=figure,
        columns=[
            Column(_("Recency")), Column(_("Worth")), Column(_("Group")), Column(_("Customers"), "count"),
            Column(_("Net revenue"), "money"), Column(_("Revenue per customer"), "money"),
        ],
        rows=[
            (str(c.recency), str(c.worth), get_title(c.group), c.customers, c.revenue, c.revenue_per_customer) for c in rows
        ],
        links=[cell.link for cell in rows],
        options=options,
    )  # fmt: skip


def _make_cell(cell: GridCell, measure: Measure) -> HeatCell:
    title = get_title(cell.group)
    value, text = _measure(cell, measure)
    hover = _("%(group)s: %(customers)s customers, %(revenue)s") % {
        "group": title, "customers": formats.count(cell.customers), "revenue": formats.money(cell.revenue),
    }  # fmt: skip
    label = "<br>".join([text, *wrap(title, LABEL_WIDTH, break_long_words=False)]) if cell.customers else ""
    return HeatCell(value if cell.customers else None, label, hover, cell.link)


def _measure(cell: GridCell, measure: Measure) -> tuple[float, str]:
    if measure == "revenue":
        return float(cell.revenue), formats.money_short(cell.revenue)
    if measure == "average":
        return float(cell.revenue_per_customer or 0), formats.money_short(cell.revenue_per_customer)
    return float(cell.customers), formats.count_short(cell.customers)


def chart_flow(flows: Sequence[Flow], since: str, options: Sequence[Option] = ()) -> Chart:
    """Groups before against groups now; customers who stayed in their group are counted but not coloured."""
    names = [*(group.name for group in RFM_GROUPS), ""]
    counts = {(flow.source, flow.target): flow for flow in flows}
    titles = [get_title(name) for name in names]
    cells = [[_make_flow_cell(counts.get((source, target)), since) for target in names[:-1]] for source in names]
    figure = make_heat_figure(titles[:-1], titles, cells, row_height=30, xaxis={"tickangle": -45})
    moves = list_moves(flows)
    rows = [*moves, *(flow for flow in flows if flow.target and flow not in moves)]
    return Chart(
        key="flow",
        title=_("Moves between groups"),
        about=_(
            "Rows are the groups before, columns the groups now. Colour shows customers who changed their group; those who "
            "stayed have no colour. Customers also move without an order: time passes, and others order. A cell opens its "
            "customers."
        ),
        figure=figure,
        columns=[Column(_("Before")), Column(_("Now")), Column(_("Customers"), "count")],
        rows=[(get_title(flow.source), get_title(flow.target), flow.customers) for flow in rows],
        links=[link_flow(flow, since) for flow in rows],
        options=options,
    )


def _make_flow_cell(flow: Flow | None, since: str) -> HeatCell:
    if flow is None:
        return HeatCell(None)
    hover = _("%(before)s → %(now)s: %(customers)s customers") % {
        "before": get_title(flow.source), "now": get_title(flow.target), "customers": formats.count(flow.customers),
    }  # fmt: skip
    value = 0 if flow.source == flow.target else flow.customers
    return HeatCell(value, formats.count_short(flow.customers), hover, link_flow(flow, since))


def build_groups_table(groups: Sequence[GroupRow]) -> Chart:
    columns = [
        Column(_("Group")), Column(_("Customers"), "count"), Column(_("Share of buyers"), "percent"),
        Column(_("Net revenue"), "money"), Column(_("Share of revenue"), "percent"), Column(_("Since the day before"), "count"),
        Column(_("In 30 days"), "count"), Column(_("Meaning")),
        Column(_("What to do")),
    ]  # fmt: skip
    rows = [
        (
            group.title, group.customers, group.customers_share, group.revenue, group.revenue_share, group.change_day,
            group.change_month, str(group.advice.meaning), str(group.advice.move),
        )
        for group in groups
    ]  # fmt: skip
    return Chart("groups", _("RFM groups"), "", make_figure(), columns, rows)


def build_lifecycle_table(lifecycles: Sequence[LifecycleRow]) -> Chart:
    columns = [
        Column(_("Lifecycle")), Column(_("Customers"), "count"), Column(_("Share of customers"), "percent"),
        Column(_("Since the day before"), "count"), Column(_("In 30 days"), "count"), Column(_("Meaning")),
        Column(_("What to do")),
    ]  # fmt: skip
    rows = [
        (
            str(row.advice.title), row.customers, row.customers_share, row.change_day, row.change_month,
            str(row.advice.meaning), str(row.advice.move),
        )
        for row in lifecycles
    ]  # fmt: skip
    return Chart("lifecycle", _("Lifecycle"), "", make_figure(), columns, rows)
