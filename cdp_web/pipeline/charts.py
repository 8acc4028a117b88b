"""The figures of the pipeline: what the stream received by hour, how long the nights took, and rejected messages by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import plotly.graph_objects as go
from django.urls import reverse
from django.utils.translation import gettext as _

from cdp.mart.nights import NightRun
from cdp_web.charts.chart import Chart, Column
from cdp_web.charts.theme import BAD, BAR, SECOND, make_day_axis, make_figure, make_hour_axis
from cdp_web.layout import formats
from cdp_web.pipeline.stream_read import StreamHour
from cdp_web.serving.night_words import name_step

HEIGHT = 240


def chart_stream(hours: Sequence[StreamHour]) -> Chart:
    """Accepted and rejected messages by hour of receipt."""
    times = [each.hour.replace(tzinfo=None) for each in hours]
    labels = [formats.moment(each.hour) for each in hours]

    def make_bars(name: str, counts: Sequence[int], colour: str) -> go.Bar:
        texts = [f"{label}: {formats.count(count)}" for label, count in zip(labels, counts, strict=True)]
        return go.Bar(
            name=name, x=times, y=counts, text=texts, textposition="none", hovertemplate="%{text}<extra>" + name + "</extra>",
            marker={"color": colour},
        )  # fmt: skip

    traces = [
        make_bars(_("Accepted"), [each.good for each in hours], BAR),
        make_bars(_("Rejected"), [each.quarantined for each in hours], BAD),
    ]
    return Chart(
        key="stream",
        title=_("Messages by hour"),
        about=_("Messages by the hour in which Kafka received them. Rejected messages are in quarantine."),
        figure=make_figure(*traces, height=HEIGHT, barmode="stack", xaxis=make_hour_axis()),
        columns=[
            Column(_("Hour")),
            Column(_("Received"), "count"),
            Column(_("Accepted"), "count"),
            Column(_("Rejected"), "count"),
        ],
        rows=[(label, each.received, each.good, each.quarantined) for label, each in zip(labels, hours, strict=True)],
    )


def chart_nights(runs: Sequence[NightRun]) -> Chart:
    """How long each night took, in the order of their starts; `runs` has the newest first. A bar opens its night."""
    ended = [run for run in reversed(runs) if run.took is not None]
    links = [reverse("nights:detail", args=[run.id]) for run in ended]
    bars = go.Bar(
        x=[str(run.id) for run in ended],
        y=[(run.took or 0) / 60 for run in ended],
        customdata=links,
        text=[f"{formats.day(run.day)}: {formats.duration(run.took)}" for run in ended],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        marker={"color": [SECOND if run.stopped else BAR for run in ended], "cornerradius": 3},
    )
    # A category for each run: several runs may be of one day.
    names = {run.id: formats.day_short(run.day) for run in ended}
    ticks = [run.id for run in ended][:: max(len(ended) // 8, 1)]
    labels = {"tickvals": [str(each) for each in ticks], "ticktext": [names[each] for each in ticks]}
    axis = {"type": "category", "tickmode": "array"} | labels
    return Chart(
        key="nights",
        title=_("Duration of the data runs"),
        about=_("Minutes from the start to the end of each run. Orange runs stopped without publishing."),
        figure=make_figure(bars, height=HEIGHT, xaxis=axis, yaxis={"ticksuffix": " " + _("min")}),
        columns=[Column(_("Day"), "day"), Column(_("Started")), Column(_("Outcome")), Column(_("Took"))],
        rows=[(run.day, formats.moment(run.begun_at), run.state, formats.duration(run.took)) for run in ended],
        links=links,
    )


def chart_steps(run: NightRun) -> Chart:
    """How long each finished step of a night took."""
    names = [name_step(step) for step in run.seconds]
    seconds = list(run.seconds.values())
    bars = go.Bar(
        x=seconds,
        y=names,
        orientation="h",
        text=[formats.duration(each) for each in seconds],
        textposition="none",
        hovertemplate="%{y}: %{text}<extra></extra>",
        marker={"color": BAR, "cornerradius": 3},
    )
    figure = make_figure(
        bars,
        height=60 + 28 * len(names),
        xaxis={"ticksuffix": " s", "showgrid": True, "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "rangemode": "normal", "ticklabelstandoff": 8},
    )
    return Chart(
        key="steps",
        title=_("Steps"),
        about=_("How long each step took, in the order of the run."),
        figure=figure,
        columns=[Column(_("Step")), Column(_("Took"))],
        rows=[(name, formats.duration(each)) for name, each in zip(names, seconds, strict=True)],
    )


def chart_rejected_days(days: Mapping[date, int], links: Mapping[date, str]) -> Chart:
    """Rejected messages by day of receipt; a bar selects its day."""
    ordered = sorted(days)
    bars = go.Bar(
        x=ordered,
        y=[days[day] for day in ordered],
        customdata=[links[day] for day in ordered],
        text=[f"{formats.day(day)}: {formats.count(days[day])}" for day in ordered],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        marker={"color": BAD, "cornerradius": 3},
    )
    return Chart(
        key="rejected-days",
        title=_("Rejected messages by day"),
        about=_("Messages by the day (UTC) on which they were received. A bar selects its day."),
        figure=make_figure(bars, height=180, xaxis=make_day_axis()),
        columns=[Column(_("Day"), "day"), Column(_("Messages"), "count")],
        rows=[(day, days[day]) for day in ordered],
        links=[links[day] for day in ordered],
    )
