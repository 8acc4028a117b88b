"""The report on the audience: the RFM grid, its groups and how customers moved between them, and the lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from cdp.metrics import LIFECYCLES
from cdp_web.customers.advice import LIFECYCLE_ADVICE, Advice
from cdp_web.customers.links import link_to_customers
from cdp_web.insights.audience_selectors import lifecycles_count, lifecycles_count_at, rfm_cells_get, rfm_flows_get
from cdp_web.insights.rfm import Flow, GridCell, GroupRow, build_grid, build_groups
from cdp_web.overview.selectors import kpi_first_day_get
from cdp_web.segments.starter_rules import compare
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open

MOVES_SHOWN = 8
#: As the metric `lifecycle` defines it.
NEW_DAYS = 30
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LifecycleRow:
    """The changes are missing if the data begin later than the day to compare with."""

    name: str
    advice: Advice
    customers: int
    customers_share: float | None
    change_day: int | None
    change_month: int | None
    link: str


@dataclass(frozen=True, slots=True)
class AudienceReport:
    publication: Publication
    grid: list[GridCell]
    groups: list[GroupRow]
    flows: Mapping[str, list[Flow]]
    lifecycles: list[LifecycleRow]
    has_lifecycles_before: bool

    @property
    def buyers(self) -> int:
        return sum(group.customers for group in self.groups)

    @property
    def customers(self) -> int:
        return sum(row.customers for row in self.lifecycles)

    @property
    def revenue(self) -> Decimal:
        return sum((group.revenue for group in self.groups), Decimal(0))

    @property
    def best(self) -> GroupRow:
        """The group that brings the most money."""
        return max(self.groups, key=lambda group: group.revenue)


def audience_read(publication: Publication) -> AudienceReport:
    cells, flows = rfm_cells_get(publication.day), rfm_flows_get(publication.day)
    snapshot = snapshot_open(publication)
    first_day = kpi_first_day_get() or publication.day
    earlier = [_count_before(snapshot, first_day, days) for days in (1, 30)]
    lifecycles = build_lifecycles(lifecycles_count(snapshot), *earlier)
    return AudienceReport(publication, build_grid(cells), build_groups(cells, flows), flows, lifecycles, bool(earlier[1]))


def _count_before(snapshot: Snapshot, first_day: date, days: int) -> Counts:
    """Nothing if everyone counted as new on that day because the data begin less than 30 days before it."""
    day = snapshot.publication.day - timedelta(days=days)
    return lifecycles_count_at(snapshot, day) if (day - first_day).days >= NEW_DAYS else {}


def build_lifecycles(now: Counts, day_before: Counts, month_before: Counts) -> list[LifecycleRow]:
    total = sum(now.values())
    return [
        LifecycleRow(
            name,
            LIFECYCLE_ADVICE[name],
            now.get(name, 0),
            now.get(name, 0) / total if total else None,
            now.get(name, 0) - day_before.get(name, 0) if day_before else None,
            now.get(name, 0) - month_before.get(name, 0) if month_before else None,
            link_to_customers(compare("lifecycle", "eq", name)),
        )
        for name in LIFECYCLES
    ]
