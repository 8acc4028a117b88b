"""Builds the overview for the page and the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from cdp_web.overview import kpis, selectors
from cdp_web.overview.periods import Period, PeriodChoice
from cdp_web.serving.publications import Publication


@dataclass(frozen=True, slots=True)
class Overview:
    publication: Publication
    period: Period
    before: Period | None
    is_comparable: bool  # the history covers the whole period before
    tiles: list[kpis.Tile]
    funnel: list[kpis.FunnelStep]
    series: dict[str, Any]
    series_before: dict[str, Any] | None
    days: dict[date, selectors.KpiDay]
    days_before: dict[date, selectors.KpiDay]


def overview_read(publication: Publication, choice: PeriodChoice) -> Overview:
    period, before = choice.period, choice.comparison
    now_rows = selectors.kpi_days_get(period)
    before_rows = selectors.kpi_days_get(before) if before else {}
    totals = kpis.compute_totals(now_rows.values(), selectors.customers_count(publication, period))
    totals_before = kpis.compute_totals(before_rows.values(), selectors.customers_count(publication, before)) if before else None
    return Overview(
        publication,
        period,
        before,
        before is not None,
        kpis.build_tiles(totals, totals_before),
        kpis.build_funnel(totals),
        kpis.build_series(period, now_rows),
        kpis.build_series(before, before_rows) if before else None,
        now_rows,
        before_rows,
    )
