"""Sums of days: of a whole period, and of each day, week or month in it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from cdp.days import days_between
from cdp_web.overview.periods import ONE_DAY, Period, find_unit
from cdp_web.overview.selectors import CustomerCounts, KpiDay

Step = Literal["day", "week", "month"]
#: The longest period, in days, that is shown by day and by week.
MOST_DAYS, MOST_DAYS_BY_WEEK = 92, 400


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """The sums of a period, and its distinct customers."""

    gross_revenue: Decimal
    revenue: Decimal  # net of refunds
    refunds: int
    orders: int
    items: int
    new_customers: int
    sessions: int
    sessions_with_view: int
    sessions_with_cart: int
    sessions_with_purchase: int
    counts: CustomerCounts

    @property
    def refunded(self) -> Decimal:
        return self.gross_revenue - self.revenue

    @property
    def average_order(self) -> Decimal | None:
        return (self.gross_revenue / self.orders).quantize(Decimal("0.01"), ROUND_HALF_UP) if self.orders else None

    @property
    def conversion(self) -> float | None:
        return self.sessions_with_purchase / self.sessions if self.sessions else None


@dataclass(frozen=True, slots=True)
class Point:
    """A day, week or month of a chart."""

    period: Period
    totals: PeriodTotals


def compute_totals(days: Iterable[KpiDay], counts: CustomerCounts) -> PeriodTotals:
    rows = list(days)
    return PeriodTotals(
        gross_revenue=sum((row.gross_revenue for row in rows), Decimal(0)),
        revenue=sum((row.revenue for row in rows), Decimal(0)),
        refunds=sum(row.refunds for row in rows),
        orders=sum(row.orders for row in rows),
        items=sum(row.items for row in rows),
        new_customers=sum(row.new_customers for row in rows),
        sessions=sum(row.sessions for row in rows),
        sessions_with_view=sum(row.sessions_with_view for row in rows),
        sessions_with_cart=sum(row.sessions_with_cart for row in rows),
        sessions_with_purchase=sum(row.sessions_with_purchase for row in rows),
        counts=counts,
    )


def choose_step(period: Period) -> Step:
    if period.days <= MOST_DAYS:
        return "day"
    return "week" if period.days <= MOST_DAYS_BY_WEEK else "month"


def split_period(period: Period, step: Step) -> list[Period]:
    """The days, weeks from Monday to Sunday, or months of the period; the first and the last may be cut."""
    parts, first = [], period.first
    while first <= period.last:
        last = min(_find_end(first, step), period.last)
        parts.append(Period(first, last))
        first = last + ONE_DAY
    return parts


def _find_end(day: date, step: Step) -> date:
    match step:
        case "day":
            return day
        case "week":
            return day + (6 - day.weekday()) * ONE_DAY
        case "month":
            return find_unit(day, "month").last


def build_points(
    period: Period, step: Step, days: Mapping[date, KpiDay], counts: Mapping[date, CustomerCounts] | None = None
) -> list[Point]:
    """A point for each part of the period, days without events included. `counts` has the customers of weeks and months."""
    points = []
    for part in split_period(period, step):
        rows = [days[day] for day in days_between(part.first, part.last) if day in days]
        points.append(Point(part, compute_totals(rows, _find_counts(part, step, rows, counts or {}))))
    return points


def _find_counts(part: Period, step: Step, rows: list[KpiDay], counts: Mapping[date, CustomerCounts]) -> CustomerCounts:
    if step == "day":
        return CustomerCounts(rows[0].customers, rows[0].buyers) if rows else CustomerCounts()
    start = part.first - part.first.weekday() * ONE_DAY if step == "week" else part.first.replace(day=1)
    return counts.get(start, CustomerCounts())
