"""What the page of the recommendations shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cdp.days import days_between
from cdp_web.charts.sparkline import draw_line
from cdp_web.layout import formats
from cdp_web.overview.periods import Period
from cdp_web.recommend.latency import WINDOWS, Latency, latency_get
from cdp_web.recommend.selectors import (
    DayResult,
    Serving,
    ShopDay,
    Sums,
    Version,
    add_up,
    results_get,
    results_get_last_day,
    serving_get,
    shop_days_get,
    today_get,
    versions_get,
)

DAYS = 28


@dataclass(frozen=True, slots=True)
class Tile:
    """A number of the period, with its development by day."""

    key: str
    title: str
    about: str
    value: str
    note: str
    line: str


@dataclass(frozen=True, slots=True)
class JudgedModel:
    """A trained model with the outcome of each check of the gate."""

    name: str
    checks: Sequence[Any]

    @property
    def passed(self) -> int:
        return sum(check["passed"] for check in self.checks)

    @property
    def is_good(self) -> bool:
        return self.passed == len(self.checks)


@dataclass(frozen=True, slots=True)
class Results:
    """What the lists of some days led to, beside the whole shop."""

    period: Period
    rows: Sequence[DayResult]
    shop: Sequence[ShopDay]

    @property
    def days(self) -> list[date]:
        return list(days_between(self.period.first, self.period.last))

    @property
    def by_day(self) -> dict[date, Sums]:
        sums = add_up(self.rows, lambda row: row.day)
        return {day: sums.get(day, Sums()) for day in self.days}

    @property
    def total(self) -> Sums:
        return sum((row.sums for row in self.rows), Sums())

    @property
    def shop_revenue(self) -> Decimal:
        return sum((each.revenue for each in self.shop), Decimal(0))


@dataclass(frozen=True, slots=True)
class Dashboard:
    serving: Serving | None
    versions: Sequence[Version]
    results: Results | None
    latencies: Sequence[Latency]
    today: Sums

    @property
    def is_empty(self) -> bool:
        return not (self.serving or self.versions or self.results or self.latencies)

    @property
    def evaluated(self) -> Version | None:
        """The version that was evaluated last."""
        done = [version for version in self.versions if version.evaluated_at]
        return max(done, key=lambda version: version.evaluated_at or version.trained_at, default=None)

    @property
    def trained(self) -> Version | None:
        """The version that serves."""
        return next((each for each in self.versions if self.serving and each.version == self.serving.version), None)


def dashboard_read(now: datetime) -> Dashboard:
    return Dashboard(
        serving_get(),
        versions_get(),
        results_read(),
        [found for hours in WINDOWS if (found := latency_get(hours, now))],
        today_get(now),
    )


def results_read() -> Results | None:
    """The last days with results."""
    last = results_get_last_day()
    if last is None:
        return None
    period = Period(last - timedelta(days=DAYS - 1), last)
    return Results(period, results_get(period), shop_days_get(period))


def list_judged(version: Version) -> list[JudgedModel]:
    """The models of the version; those that failed a check come last."""
    models = [JudgedModel(name, checks) for name, checks in version.evaluation.get("gate", {}).items()]
    return sorted(models, key=lambda model: not model.is_good)


def build_tiles(results: Results) -> list[Tile]:
    total, days = results.total, list(results.by_day.values())
    share = total.revenue / results.shop_revenue if results.shop_revenue > 0 else None
    return [
        Tile(
            "ctr",
            _("Click-through"),
            _("Lists with a click, divided by lists that a person saw."),
            formats.percent(total.ctr),
            _("%(clicked)s of %(seen)s lists") % {"clicked": formats.count(total.clicked), "seen": formats.count(total.seen)},
            draw_line([each.ctr for each in days]),
        ),
        Tile(
            "conversion",
            _("Conversion"),
            _("Order lines that follow a click on the product, divided by lists with a click."),
            formats.percent(total.conversion),
            ngettext("%(number)s order line", "%(number)s order lines", total.lines) % {"number": formats.count(total.lines)},
            draw_line([each.conversion for each in days]),
        ),
        Tile(
            "revenue",
            _("Revenue from clicks"),
            _("Value of the order lines that follow a click on the same product within the window."),
            formats.money_short(total.revenue),
            _("%(share)s of the shop's revenue") % {"share": formats.percent(share)},
            draw_line([each.revenue for each in days]),
        ),
        Tile(
            "seen",
            _("Lists seen"),
            _("Lists that a person saw. A list that was served below the visible part of a page does not count."),
            formats.count_short(total.seen),
            _("of %(served)s that were served") % {"served": formats.count(total.served)},
            draw_line([each.seen for each in days]),
        ),
    ]
