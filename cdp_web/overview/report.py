"""Builds the overview for the page and the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from cdp_web.overview import kpis, selectors
from cdp_web.overview.periods import Period, build_period
from cdp_web.serving.publications import Publication


@dataclass(frozen=True, slots=True)
class Overview:
    publication: Publication
    period: Period
    before: Period
    is_comparable: bool  # the history covers the whole period before
    tiles: list[kpis.Tile]
    funnel: list[kpis.FunnelStep]
    series: dict[str, Any]
    series_before: dict[str, Any] | None
    days: dict[date, selectors.KpiDay]
    days_before: dict[date, selectors.KpiDay]


def overview_read(publication: Publication, days: int) -> Overview:
    period = build_period(publication.day, days)
    before = period.before()
    rows = selectors.kpi_days_get(Period(before.first, period.last))
    now_rows = {day: row for day, row in rows.items() if day >= period.first}
    before_rows = {day: row for day, row in rows.items() if day < period.first}
    first_day = selectors.kpi_first_day_get()
    is_comparable = first_day is not None and first_day <= before.first
    totals = kpis.compute_totals(now_rows.values(), selectors.customers_count(publication, period))
    totals_before = None
    if is_comparable:
        totals_before = kpis.compute_totals(before_rows.values(), selectors.customers_count(publication, before))
    return Overview(
        publication,
        period,
        before,
        is_comparable,
        kpis.build_tiles(totals, totals_before),
        kpis.build_funnel(totals),
        kpis.build_series(period, now_rows),
        kpis.build_series(before, before_rows) if is_comparable else None,
        now_rows,
        before_rows,
    )
