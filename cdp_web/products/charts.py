"""The trend of one product: one measure by day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import plotly.graph_objects as go
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp_web.charts.chart import Chart, Column, ColumnKind, Option
from cdp_web.charts.theme import BAR, make_day_axis, make_figure, make_money_axis
from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.layout import formats
from cdp_web.products.page import ProductReport

#: Measure -> its title, the event of the customers behind a bar, and its format.
MEASURES: Mapping[str, tuple[Promise, str, ColumnKind]] = {
    "revenue": (gettext_lazy("Net revenue"), "purchase", "money"),
    "items": (gettext_lazy("Items"), "purchase", "count"),
    "views": (gettext_lazy("Views"), "view", "count"),
    "carts": (gettext_lazy("Carts"), "cart", "count"),
}


def chart_trend(report: ProductReport, measure: str) -> Chart:
    title, event, kind = MEASURES[measure]
    write: Callable[[Any], str] = formats.money if kind == "money" else formats.count
    values = [getattr(each, measure) for each in report.days]
    links = [
        link_to_customers(did_between(event, each.day, each.day, product_id=report.product.product_id)) for each in report.days
    ]
    bars = go.Bar(
        x=[each.day for each in report.days],
        y=[float(value) for value in values],
        customdata=links,
        text=[f"{formats.day_short(each.day)}: {write(value)}" for each, value in zip(report.days, values, strict=True)],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        marker={"color": BAR, "cornerradius": 2},
    )
    axis = make_money_axis() if kind == "money" else {}
    return Chart(
        key="trend",
        title=_("By day, last %(days)s days") % {"days": len(report.days)},
        about=_("Revenue is net of refunds. A bar opens the customers of that day."),
        figure=make_figure(bars, height=280, hovermode="x", xaxis=make_day_axis(), yaxis=axis),
        columns=[Column(_("Day"), "day"), Column(str(title), kind)],
        rows=[(each.day, value) for each, value in zip(report.days, values, strict=True)],
        links=links,
        options=[Option(str(name), f"?show={key}#trend", key == measure) for key, (name, *__) in MEASURES.items()],
    )
