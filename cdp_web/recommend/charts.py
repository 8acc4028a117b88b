"""The figures of the recommendations: seen lists and click-through by day, the quality of the versions, arms of an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp.recommend.statistics import REVENUE
from cdp_web.charts.chart import Chart, Column, Option
from cdp_web.charts.theme import BAR, MUTED, PALETTE, make_day_axis, make_figure, make_money_axis, write_text
from cdp_web.layout import formats
from cdp_web.recommend.dashboard import Results
from cdp_web.recommend.experiments import ExperimentReport
from cdp_web.recommend.selectors import Sums, Version, add_up
from cdp_web.recommend.words import MODELS, PLACES, SOURCES, name

#: What the results are divided by, with the names of the parts.
PARTS: Mapping[str, Promise] = {"place": gettext_lazy("By place"), "source": gettext_lazy("By source")}
PART_WORDS: Mapping[str, Mapping[str, Promise]] = {"place": PLACES, "source": SOURCES}
#: Models that learn nothing of a customer; their lines are grey.
PLAIN = ("popular", "popular-in-category")
HEIGHT = 260


def chart_seen(results: Results, part: str) -> Chart:
    """Seen lists by day, stacked by place or source."""
    parts = list(add_up(results.rows, lambda row: getattr(row, part)))
    cells = add_up(results.rows, lambda row: (row.day, getattr(row, part)))
    bars = []
    for position, key in enumerate(parts):
        counts = [cells.get((day, key), Sums()).seen for day in results.days]
        title = name(PART_WORDS[part], key)
        bars.append(
            go.Bar(
                name=write_text(title),
                x=results.days,
                y=counts,
                text=[write_text(f"{title}: {formats.count(count)}") for count in counts],
                textposition="none",
                hovertemplate="%{text}<extra></extra>",
                marker={"color": PALETTE[position % len(PALETTE)]},
            )
        )
    columns = [Column(_("Day"), "day"), *(Column(name(PART_WORDS[part], key), "count") for key in parts)]
    return Chart(
        key="seen",
        title=_("Lists seen by day"),
        about=_("Lists that a person saw, by the place on the shop's pages or by the way in which the list was made."),
        figure=make_figure(*bars, height=HEIGHT, barmode="stack", hovermode="x unified", xaxis=make_day_axis()),
        columns=columns,
        rows=[(day, *(cells.get((day, key), Sums()).seen for key in parts)) for day in results.days] if parts else [],
        options=[Option(str(title), f"?by={key}#seen", key == part) for key, title in PARTS.items()],
    )


def chart_ctr(results: Results) -> Chart:
    """The click-through of all lists by day."""
    by_day = results.by_day
    line = go.Scatter(
        x=results.days,
        y=[sums.ctr for sums in by_day.values()],
        text=[f"{formats.day_short(day)}: {formats.percent(sums.ctr)}" for day, sums in by_day.items()],
        hovertemplate="%{text}<extra></extra>",
        mode="lines+markers",
        marker={"size": 5},
        line={"color": BAR, "width": 2},
    )
    return Chart(
        key="ctr",
        title=_("Click-through by day"),
        about=_("Lists with a click, divided by lists that a person saw."),
        figure=make_figure(line, height=HEIGHT, hovermode="x", xaxis=make_day_axis(), yaxis={"tickformat": ".1%"}),
        columns=[Column(_("Day"), "day"), Column(_("Seen"), "count"), Column(_("Clicked"), "count"), Column(_("CTR"), "percent")],
        rows=[(day, sums.seen, sums.clicked, sums.ctr) for day, sums in by_day.items()] if results.rows else [],
    )


def chart_quality(versions: Sequence[Version]) -> Chart:
    """NDCG@10 of each model in the evaluation of each version, the oldest version first."""
    evaluated = [version for version in reversed(versions) if version.ndcg]
    models = sorted({model for version in evaluated for model in version.ndcg})
    labels = [formats.day_short(version.day) for version in evaluated]
    places = list(range(len(evaluated)))
    lines, colours = [], iter(PALETTE)
    for model in models:
        title, values = name(MODELS, model), [version.ndcg.get(model) for version in evaluated]
        look = {"color": MUTED, "dash": "dot" if model == "popular" else "dash"} if model in PLAIN else {"color": next(colours)}
        lines.append(
            go.Scatter(
                name=write_text(title),
                x=places,
                y=values,
                text=[write_text(f"{title}: {value:.4f}") if value is not None else "" for value in values],
                hovertemplate="%{text}<extra></extra>",
                mode="lines+markers",
                line=look | {"width": 2},
            )
        )
    axis = {"tickvals": places, "ticktext": labels, "range": [-0.5, len(places) - 0.5]}
    return Chart(
        key="quality",
        title=_("Quality of the versions"),
        about=_(
            "NDCG@10 on the last seven days of each version: 1 if the ten best places hold exactly what the customers chose, 0 if"
            " they hold nothing of it. Grey lines are popular products."
        ),
        figure=make_figure(*lines, height=320, hovermode="x unified", xaxis=axis, showlegend=True),
        columns=[Column(_("Version")), Column(_("Day"), "day"), *(Column(name(MODELS, model)) for model in models)],
        rows=[
            (version.version, version.day, *(_write_ndcg(version.ndcg.get(model)) for model in models)) for version in evaluated
        ],
    )


def _write_ndcg(value: float | None) -> str:
    return formats.MISSING if value is None else f"{value:.4f}"


def chart_arms(report: ExperimentReport) -> Chart:
    """The rate of each arm with its interval, the control on top."""
    arms = [each for each in report.arms if each.rate]
    rates = [each.rate for each in arms if each.rate]
    is_money = report.verdict.metric == REVENUE
    points = go.Scatter(
        x=[rate.value for rate in rates],
        y=[write_text(each.arm.name) for each in arms],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [rate.high - rate.value for rate in rates],
            "arrayminus": [rate.value - rate.low for rate in rates],
            "color": MUTED,
            "thickness": 2,
            "width": 6,
        },
        text=[write_text(f"{each.arm.name}: {each.rate_text} ({each.rate_interval})") for each in arms],
        hovertemplate="%{text}<extra></extra>",
        mode="markers",
        marker={"color": [MUTED if each.comparison is None else BAR for each in arms], "size": 12},
    )
    axis = make_money_axis() if is_money else {"tickformat": ".1%"}
    measure = _("Revenue of a customer") if is_money else _("Click-through")
    return Chart(
        key="arms",
        title=_("%(measure)s by arm") % {"measure": measure},
        about=_("The point is the arm's value. With a probability of 95 % the true value lies on the line. The control is grey."),
        figure=make_figure(
            points,
            height=90 + 46 * max(len(arms), 1),
            xaxis=axis | {"showgrid": True, "rangemode": "normal"},
            yaxis={"range": [len(arms) - 0.5, -0.5], "rangemode": "normal", "showgrid": False, "ticklabelstandoff": 8},
        ),
        columns=[Column(_("Arm")), Column(measure), Column(_("Interval, 95 %"))],
        rows=[(each.arm.name, each.rate_text, each.rate_interval) for each in arms],
    )
