"""Cohorts: customers by the month or week in which they were first seen, and what they did in each month or week since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from cdp.rules.windows import find_period
from cdp_web.customers.links import did_between, link_to_customers
from cdp_web.overview.periods import Period
from cdp_web.segments.starter_rules import Node, all_of, compare

Unit = Literal["month", "week"]
Measure = Literal["customers", "buyers", "revenue"]
#: The newest cohorts that a page shows.
MOST_COHORTS = {"month": 13, "week": 12}


@dataclass(frozen=True, slots=True)
class CohortRow:
    """What one cohort did in one month or week; both are named by their first day."""

    cohort: date
    start: date
    customers: int
    buyers: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class CohortCell:
    row: CohortRow
    size: int
    unfinished: bool
    link: str

    @property
    def customers_share(self) -> float | None:
        return self.row.customers / self.size if self.size else None

    @property
    def buyers_share(self) -> float | None:
        return self.row.buyers / self.size if self.size else None

    @property
    def revenue_per_customer(self) -> Decimal | None:
        return self.row.revenue / self.size if self.size else None

    def measure(self, measure: Measure) -> float:
        if measure == "revenue":
            return float(self.revenue_per_customer or 0)
        return (self.buyers_share if measure == "buyers" else self.customers_share) or 0.0


@dataclass(frozen=True, slots=True)
class Cohort:
    """`cells` begin with the cohort's own month or week; one without activity has zeros."""

    start: date
    size: int
    link: str
    cells: list[CohortCell]


def find_unit(unit: Unit, day: date) -> Period:
    """The month or the week from Monday that contains the day."""
    return Period(*find_period("this_month" if unit == "month" else "this_week", day))


def list_starts(unit: Unit, first: date, last: date) -> list[date]:
    """The first day of every month or week from that of `first` to that of `last`."""
    starts, start = [], find_unit(unit, first).first
    while start <= last:
        starts.append(start)
        start = find_unit(unit, start).last + timedelta(days=1)
    return starts


def build_cohorts(rows: Iterable[CohortRow], unit: Unit, as_of: date, measure: Measure) -> list[Cohort]:
    """The newest cohorts, oldest first. The last month or week is unfinished unless it ends on the published day."""
    by_place = {(row.cohort, row.start): row for row in rows}
    starts = sorted({cohort for cohort, __ in by_place})[-MOST_COHORTS[unit] :]
    return [_build_cohort(by_place, start, unit, as_of, measure) for start in starts]


def _build_cohort(by_place: dict[tuple[date, date], CohortRow], start: date, unit: Unit, as_of: date, measure: Measure) -> Cohort:
    own = by_place.get((start, start))
    size = own.customers if own else 0
    cells = []
    for place in list_starts(unit, start, as_of):
        row = by_place.get((start, place)) or CohortRow(start, place, 0, 0, Decimal(0))
        link = link_to_customers(build_cell_rule(unit, start, place, measure))
        cells.append(CohortCell(row, size, find_unit(unit, place).last > as_of, link))
    return Cohort(start, size, link_to_customers(build_cohort_rule(unit, start)), cells)


def build_cohort_rule(unit: Unit, start: date) -> Node:
    period = find_unit(unit, start)
    return compare("first_seen", "between", [period.first.isoformat(), period.last.isoformat()])


def build_cell_rule(unit: Unit, cohort: date, start: date, measure: Measure) -> Node:
    """Customers of the cohort who did anything in the month or week; for revenue and buyers, those who bought."""
    period = find_unit(unit, start)
    event = "any" if measure == "customers" else "purchase"
    return all_of(build_cohort_rule(unit, cohort), did_between(event, period.first, period.last))


@dataclass(frozen=True, slots=True)
class GapBucket:
    """Customers whose mean days between orders are at least `least` and less than `below`."""

    least: int
    below: int | None
    customers: int

    @property
    def rule(self) -> Node:
        nodes = [compare("mean_days_between_orders", "ge", self.least)]
        if self.below is not None:
            nodes.append(compare("mean_days_between_orders", "lt", self.below))
        return all_of(*nodes)


GAP_BOUNDS = (0, 1, 3, 7, 14, 30, 60, 90, 180)


def build_gaps(counts: Sequence[int]) -> list[GapBucket]:
    """`counts` has a number for each bound; empty buckets at the end are left out."""
    ends = (*GAP_BOUNDS[1:], None)
    buckets = [GapBucket(least, below, count) for least, below, count in zip(GAP_BOUNDS, ends, counts, strict=True)]
    while buckets and not buckets[-1].customers:
        buckets.pop()
    return buckets


@dataclass(frozen=True, slots=True)
class OrderCount:
    """Customers with exactly this many orders, or at least as many in the last row."""

    orders: int
    is_last: bool
    customers: int

    @property
    def rule(self) -> Node:
        return compare("total_purchase", "ge" if self.is_last else "eq", self.orders)


MOST_ORDERS = 6


@dataclass(frozen=True, slots=True)
class FirstOrderMonth:
    """Customers by the month of their first order, and how many of them have ordered again."""

    start: date
    buyers: int
    repeaters: int

    @property
    def share(self) -> float | None:
        return self.repeaters / self.buyers if self.buyers else None

    @property
    def rule(self) -> Node:
        period = find_unit("month", self.start)
        first_order = compare("first_order", "between", [period.first.isoformat(), period.last.isoformat()])
        return all_of(first_order, compare("total_purchase", "ge", 2))
