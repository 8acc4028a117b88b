"""Reads and computes the overview for the page and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cdp_web.names.selectors import Names, names_get
from cdp_web.overview import kpis, selectors, totals, unusual
from cdp_web.overview.breakdowns import (
    CATEGORY_PARTS,
    Breakdowns,
    HourTotal,
    OrderValueRange,
    breakdowns_get,
    earners_add_names,
    hours_get,
    order_values_get,
)
from cdp_web.overview.funnel import FunnelStep, build_funnel
from cdp_web.overview.periods import Period, PeriodChoice
from cdp_web.serving.publications import Publication


@dataclass(frozen=True, slots=True)
class Overview:
    publication: Publication
    choice: PeriodChoice
    step: totals.Step
    has_events: bool
    tiles: list[kpis.Tile]
    funnel: list[FunnelStep]
    points: list[totals.Point]
    points_before: list[totals.Point]
    unusual_days: list[unusual.UnusualDay]
    breakdowns: Breakdowns
    hours: list[HourTotal]
    order_values: list[OrderValueRange]

    @property
    def revenue(self) -> kpis.Tile:
        return next(tile for tile in self.tiles if tile.kpi.key == "revenue")


def overview_read(publication: Publication, choice: PeriodChoice) -> Overview:
    period, before = choice.period, choice.comparison
    # The weeks before the period tell which of its days are unusual.
    days = selectors.kpi_days_get(Period(period.first - timedelta(weeks=unusual.WEEKS), period.last))
    days_before = selectors.kpi_days_get(before) if before else {}
    step = totals.choose_step(period)
    points = _read_points(publication, period, step, days)
    points_before = _read_points(publication, before, step, days_before) if before else []
    now = _read_totals(publication, period, days)
    earlier = _read_totals(publication, before, days_before) if before else None
    unusual_days = unusual.find_unusual_days(period, days, choice.data)
    key = f"breakdowns-{period.first}-{period.last}-{before and before.first}-{before and before.last}"
    breakdowns = selectors.remember(publication, key, lambda: breakdowns_get(period, before))
    unusual_days = [unusual.unusual_day_explain(day) for day in unusual_days[: unusual.MOST]]
    names = _read_names(breakdowns, unusual_days)
    return Overview(
        publication,
        choice,
        step,
        any(period.first <= day for day in days),
        kpis.build_tiles(now, earlier, choice, points),
        build_funnel(now, period),
        points,
        points_before,
        [unusual.cause_add_name(day, names.categories) for day in unusual_days],
        earners_add_names(breakdowns, names),
        hours_get(period),
        order_values_get(period),
    )


def _read_names(breakdowns: Breakdowns, unusual_days: Sequence[unusual.UnusualDay]) -> Names:
    products = breakdowns.products
    categories = [earner.key for part in CATEGORY_PARTS for earner in getattr(breakdowns, part)]
    causes = [day.cause.category for day in unusual_days if day.cause]
    return names_get(
        products=(earner.key for earner in products),
        categories=[*categories, *causes, *(earner.category for earner in products)],
    )


def _read_totals(publication: Publication, period: Period, days: Mapping[date, selectors.KpiDay]) -> totals.PeriodTotals:
    rows = [row for day, row in days.items() if period.first <= day <= period.last]
    return totals.compute_totals(rows, selectors.customer_counts_get(publication, period))


def _read_points(
    publication: Publication, period: Period, step: totals.Step, days: Mapping[date, selectors.KpiDay]
) -> list[totals.Point]:
    counts = None if step == "day" else selectors.customer_counts_get_by(publication, period, step)
    return totals.build_points(period, step, days, counts)
