"""How a segment developed: its size and those who entered and left, as charts and as lists of customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import plotly.graph_objects as go
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp_web.charts.chart import Chart, Column
from cdp_web.charts.theme import BAD, BAR, GOOD, make_day_axis, make_figure
from cdp_web.layout import formats
from cdp_web.segments.history import DayChange
from cdp_web.segments.models import Membership, Reason, Segment, SegmentSize

#: Customers of one list of movements.
LISTED = 200
FEW_DAYS = 10
WAYS = ("entered", "left")
REASONS: dict[str, Promise] = {
    Reason.CREATED: gettext_lazy("the segment is new"),
    Reason.DATA: gettext_lazy("the customers did something"),
    Reason.WINDOW: gettext_lazy("only time has passed"),
    Reason.RULE: gettext_lazy("the rule changed"),
    Reason.LIST: gettext_lazy("a list changed"),
    Reason.RESTORED: gettext_lazy("the segment was restored"),
}


@dataclass(frozen=True, slots=True)
class Movement:
    """The customers who entered or left on a day for a reason; the first ones by id."""

    day: date
    way: str
    reason: str
    count: int
    ids: list[str]

    @property
    def reason_says(self) -> Promise | str:
        return REASONS.get(self.reason, self.reason)


def movement_get(segment: Segment, day: str, way: str, reason: str) -> Movement | None:
    """None unless the parameters name a movement that there can be."""
    try:
        moment = date.fromisoformat(day)
    except ValueError:
        return None
    if way not in WAYS or reason not in Reason.values:
        return None
    stays = Membership.objects.filter(segment=segment, **{f"{way}_day": moment, f"{way}_reason": reason})
    ids = list(stays.order_by("customer_id").values_list("customer_id", flat=True)[:LISTED])
    return Movement(moment, way, reason, stays.count(), ids)


def build_size_chart(sizes: Sequence[SegmentSize]) -> Chart:
    texts = [f"{formats.day(size.day)}: {formats.count(size.count)}" for size in sizes]
    line = go.Scatter(
        x=[size.day.isoformat() for size in sizes], y=[size.count for size in sizes], text=texts, mode="lines+markers",
        line={"color": BAR, "width": 2}, marker={"size": 4}, hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    return Chart(
        "size",
        _("Size"),
        _("Members on each published day. Days before the segment or its current rule existed were computed afterwards."),
        make_figure(line, xaxis=_make_axis([size.day for size in sizes]), yaxis={"tickformat": ",d"}, height=260),
        (
            Column(_("Day"), "day"),
            Column(_("Customers"), "count"),
            Column(_("Of all"), "count"),
            Column(_("Rule version"), "count"),
        ),
        [(size.day, size.count, size.total, size.version) for size in reversed(sizes)],
    )


def build_change_chart(changes: Sequence[DayChange]) -> Chart:
    """Without the customers whom the segment had from the beginning: their bar would hide the others."""
    days: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for change in changes:
        if change.reason != Reason.CREATED:
            days[change.day][0] += change.entered
            days[change.day][1] += change.left
    in_order = sorted(days.items())
    labels = [day.isoformat() for day, _numbers in in_order]
    bars = [
        _make_bar(labels, [numbers[0] for _day, numbers in in_order], _("Entered"), GOOD, 1),
        _make_bar(labels, [numbers[1] for _day, numbers in in_order], _("Left"), BAD, -1),
    ]
    return Chart(
        "changes",
        _("Entered and left"),
        _("Customers who entered (up) and left (down) on each published day. The first members of a new segment are left out."),
        make_figure(*bars, xaxis=_make_axis(list(days)), yaxis={"tickformat": ",d"}, height=240, barmode="relative"),
        (Column(_("Day"), "day"), Column(_("Entered"), "count"), Column(_("Left"), "count")),
        [(day, *numbers) for day, numbers in reversed(in_order)],
    )


def _make_bar(days: list[str], numbers: list[int], name: str, color: str, sign: int) -> go.Bar:
    texts = [f"{name}: {formats.count(number)}" for number in numbers]
    return go.Bar(
        x=days, y=[sign * number for number in numbers], name=name, text=texts, textposition="none",
        marker={"color": color}, hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _make_axis(days: Sequence[date]) -> dict[str, Any]:
    """A few days get a mark each; otherwise there would be several for one day."""
    axis = make_day_axis()
    if days and (max(days) - min(days)).days < FEW_DAYS:
        edges = [min(days) - timedelta(days=1), max(days) + timedelta(days=1)]
        axis |= {"dtick": 24 * 3600 * 1000, "range": [edge.isoformat() for edge in edges]}
    return axis
