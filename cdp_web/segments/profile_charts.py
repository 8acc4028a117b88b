"""The charts of what is typical of a segment: the shares of its members beside those of all customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from cdp.metrics import BY_KEY, Metric
from cdp_web.charts.chart import Chart, Column
from cdp_web.charts.theme import BAR, MUTED, make_figure
from cdp_web.customers.links import link_to_customers
from cdp_web.layout import formats
from cdp_web.layout.facts import get_title, localize, localize_choice
from cdp_web.segments.models import Segment
from cdp_web.segments.profile import SegmentProfile, ValueShare

_ROW_HEIGHT = 38
_FRAME = 70


def build_mix_charts(segment: Segment, profile: SegmentProfile, *, with_links: bool) -> list[Chart]:
    """One for each field that has values. A bar of the members leads to these customers."""
    return [_build_chart(segment, field, shares, with_links) for field, shares in profile.mixes.items() if shares]


def build_value_rule(segment: Segment, share: ValueShare) -> dict[str, Any]:
    """The members with this value."""
    operator = {"operator": "is_not_set"} if share.value is None else {"operator": "eq", "value": share.value}
    return {"all": [{"segment": {"id": segment.pk}}, {"metric": {"field": share.field, **operator}}]}


def _build_chart(segment: Segment, field: str, shares: Sequence[ValueShare], with_links: bool) -> Chart:
    metric = BY_KEY[field]
    links = [link_to_customers(build_value_rule(segment, share)) for share in shares] if with_links else []
    labels = [_("no value") if share.value is None else _name_value(metric, share.value) for share in shares]
    bars = [
        _make_bar(labels, [share.share for share in shares], _("This segment"), BAR, links),
        _make_bar(labels, [share.share_of_all for share in shares], _("All customers"), MUTED, []),
    ]
    figure = make_figure(
        *bars, height=_FRAME + _ROW_HEIGHT * len(shares), bargap=0.3,
        yaxis={"autorange": "reversed", "type": "category", "rangemode": "normal", "ticksuffix": "  ", "showgrid": False},
        xaxis={"tickformat": ".0%", "rangemode": "tozero", "showgrid": True, "nticks": 6},
    )  # fmt: skip
    about = _("%(about)s Shares of the members, beside the shares of all customers.") % {"about": localize(metric.about)}
    columns = (
        Column(get_title(metric)), Column(_("Members"), "count"), Column(_("Share"), "percent"),
        Column(_("Share of all customers"), "percent"), Column(_("Times as often"), "number"),
    )  # fmt: skip
    rows = [
        (label, share.members, share.share, share.share_of_all, share.ratio) for label, share in zip(labels, shares, strict=True)
    ]
    return Chart(field, get_title(metric), about, figure, columns, rows, links)


def _name_value(metric: Metric, value: str) -> str:
    return localize_choice(value) if metric.choices else value


def _make_bar(labels: list[str], shares: list[float], name: str, color: str, links: list[str]) -> go.Bar:
    texts = [f"{label}<br>{name}: {formats.percent(share)}" for label, share in zip(labels, shares, strict=True)]
    return go.Bar(
        y=labels, x=shares, name=name, orientation="h", text=texts, textposition="none", customdata=links or None,
        marker={"color": color}, hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
