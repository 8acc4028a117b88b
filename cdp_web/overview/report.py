"""Puts the overview together, for the page and for the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cdp_web.overview import kpis, selectors
from cdp_web.overview.periods import Period, period_ending
from cdp_web.publications.selectors import Publication


@dataclass(frozen=True, slots=True)
class Overview:
    publication: Publication
    period: Period
    before: Period
    is_comparable: bool  # the history reaches back over the whole period before
    tiles: list[kpis.Tile]
    funnel: list[kpis.Step]
    series: dict[str, Any]
    series_before: dict[str, Any] | None
    has_events: bool


def overview_read(publication: Publication, days: int) -> Overview:
    period = period_ending(publication.day, days)
    before = period.before()
    rows = selectors.kpi_days(Period(before.first, period.last))
    now_rows = {day: row for day, row in rows.items() if day >= period.first}
    before_rows = {day: row for day, row in rows.items() if day < period.first}
    first_day = selectors.kpi_first_day()
    is_comparable = first_day is not None and first_day <= before.first
    totals = kpis.totals_of(now_rows.values(), selectors.customers_with_event(publication, period))
    totals_before = None
    if is_comparable:
        totals_before = kpis.totals_of(before_rows.values(), selectors.customers_with_event(publication, before))
    return Overview(
        publication,
        period,
        before,
        is_comparable,
        kpis.tiles_of(totals, totals_before),
        kpis.funnel_of(totals),
        kpis.series_of(period, now_rows),
        kpis.series_of(before, before_rows) if is_comparable else None,
        bool(now_rows),
    )
