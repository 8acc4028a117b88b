"""The report on returning customers: cohorts, second orders, and the days between orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from cdp_web.insights.cohorts import (
    MOST_COHORTS,
    Cohort,
    FirstOrderMonth,
    GapBucket,
    Measure,
    OrderCount,
    Unit,
    build_cohorts,
    build_gaps,
    find_unit,
)
from cdp_web.insights.retention_selectors import (
    cohort_months_get,
    cohort_weeks_count,
    first_order_months_count,
    gaps_count,
    orders_count,
)
from cdp_web.insights.things import InsightError
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import snapshot_open

UNITS = ("month", "week")
MEASURES = ("customers", "buyers", "revenue")
#: With fewer months, weeks say more.
ENOUGH_MONTHS = 4


@dataclass(frozen=True, slots=True)
class RetentionReport:
    publication: Publication
    unit: Unit
    measure: Measure
    cohorts: list[Cohort]
    orders: list[OrderCount]
    gaps: list[GapBucket]
    median_gap: Decimal | None
    first_orders: list[FirstOrderMonth]

    @property
    def buyers(self) -> int:
        return sum(each.customers for each in self.orders)

    @property
    def repeaters(self) -> int:
        """Customers with a second order."""
        return sum(each.customers for each in self.orders if each.orders >= 2)

    @property
    def repeat_share(self) -> float | None:
        return self.repeaters / self.buyers if self.buyers else None


def parse_retention(parameters: Mapping[str, str]) -> tuple[Unit | None, Measure]:
    """Without a unit, the length of the history decides."""
    unit, measure = parameters.get("by") or None, parameters.get("show") or "customers"
    if (unit and unit not in UNITS) or measure not in MEASURES:
        raise InsightError(
            _("by must be one of %(units)s, and show one of %(measures)s.")
            % {"units": ", ".join(UNITS), "measures": ", ".join(MEASURES)}
        )
    return unit, measure  # type: ignore[return-value]


def retention_read(publication: Publication, unit: Unit | None, measure: Measure) -> RetentionReport:
    snapshot = snapshot_open(publication)
    rows = cohort_months_get()
    unit = unit or ("month" if len({row.cohort for row in rows}) >= ENOUGH_MONTHS else "week")
    if unit == "week":
        this_week = find_unit("week", publication.day).first
        rows = cohort_weeks_count(snapshot, this_week - timedelta(weeks=MOST_COHORTS["week"] - 1))
    counts, median = gaps_count(snapshot)
    return RetentionReport(
        publication,
        unit,
        measure,
        build_cohorts(rows, unit, publication.day, measure),
        orders_count(snapshot),
        build_gaps(counts),
        median,
        first_order_months_count(snapshot),
    )
