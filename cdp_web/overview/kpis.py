"""Turns days into the numbers of the page: totals, tiles, funnel, chart. Pure functions; every tile shows its definition."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from cdp.days import days_between
from cdp_web.layout import formats
from cdp_web.overview.periods import Period
from cdp_web.overview.selectors import KpiDay

Number = Decimal | int | float


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """The sums of a period."""

    gross_revenue: Decimal
    revenue: Decimal  # net of refunds
    refunds: int
    orders: int
    items: int
    customers: int
    new_customers: int
    sessions: int
    sessions_with_view: int
    sessions_with_cart: int
    sessions_with_purchase: int

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
class Kpi:
    """A tile: its title, its definition, how to compute it and how to show it."""

    key: str
    title: str
    about: str
    value: Callable[[PeriodTotals], Number | None]
    short: Callable[..., str]
    exact: Callable[..., str]
    #: A second number in words, shown after the definition.
    note: Callable[[PeriodTotals], str] = lambda _: ""
    more_is_better: bool = True


KPIS: tuple[Kpi, ...] = (
    Kpi(
        "revenue",
        "Net revenue",
        "Gross revenue less the money refunded in the period.",
        lambda t: t.revenue,
        formats.money_short,
        formats.money,
    ),
    Kpi(
        "gross_revenue",
        "Gross revenue",
        "Value of all purchases in the period, before refunds.",
        lambda t: t.gross_revenue,
        formats.money_short,
        formats.money,
    ),
    Kpi(
        "refunds",
        "Refunds",
        "Money refunded in the period, whenever the purchase was.",
        lambda t: t.refunded,
        formats.money_short,
        formats.money,
        note=lambda t: f"{formats.count(t.refunds)} refund{'' if t.refunds == 1 else 's'}.",
        more_is_better=False,
    ),
    Kpi(
        "orders",
        "Orders",
        "Distinct orders. Purchases without an order number count as one order per session.",
        lambda t: t.orders,
        formats.count_short,
        formats.count,
    ),
    Kpi(
        "customers",
        "Customers",
        "Distinct customers with at least one event in the period.",
        lambda t: t.customers,
        formats.count_short,
        formats.count,
    ),
    Kpi(
        "average_order",
        "Average order",
        "Gross revenue divided by orders.",
        lambda t: t.average_order,
        formats.money,
        formats.money,
    ),
    Kpi(
        "conversion",
        "Conversion",
        "Sessions with a purchase divided by all sessions.",
        lambda t: t.conversion,
        lambda value: formats.percent(value, 2),
        lambda value: formats.percent(value, 3),
    ),
    Kpi(
        "new_customers",
        "New customers",
        "Customers whose first event ever is in the period.",
        lambda t: t.new_customers,
        formats.count_short,
        formats.count,
    ),
)


@dataclass(frozen=True, slots=True)
class Tile:
    kpi: Kpi
    value: Number | None
    before: Number | None
    note: str = ""

    @property
    def short(self) -> str:
        return self.kpi.short(self.value)

    @property
    def exact(self) -> str:
        return self.kpi.exact(self.value)

    @property
    def short_before(self) -> str:
        return self.kpi.short(self.before)

    @property
    def exact_before(self) -> str:
        return self.kpi.exact(self.before)

    @property
    def change(self) -> float | None:
        """Change relative to the period before; None without a period to compare with."""
        if self.value is None or self.before is None or self.before <= 0:
            return None
        return float(self.value) / float(self.before) - 1

    @property
    def change_text(self) -> str:
        return "" if self.change is None else f"{abs(self.change) * 100:.1f}%"

    @property
    def direction(self) -> str:
        if self.change is None or abs(self.change) < 0.0005:
            return "same"
        return "up" if self.change > 0 else "down"

    @property
    def verdict(self) -> str:
        """Whether the change is good or bad; decides its colour."""
        if self.direction == "same":
            return "same"
        return "good" if (self.direction == "up") == self.kpi.more_is_better else "bad"


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A step of the funnel."""

    title: str
    sessions: int
    share: float | None  # of the first step
    from_step_before: float | None


def compute_totals(days: Iterable[KpiDay], customers: int) -> PeriodTotals:
    rows = list(days)
    return PeriodTotals(
        gross_revenue=sum((row.gross_revenue for row in rows), Decimal(0)),
        revenue=sum((row.revenue for row in rows), Decimal(0)),
        refunds=sum(row.refunds for row in rows),
        orders=sum(row.orders for row in rows),
        items=sum(row.items for row in rows),
        customers=customers,
        new_customers=sum(row.new_customers for row in rows),
        sessions=sum(row.sessions for row in rows),
        sessions_with_view=sum(row.sessions_with_view for row in rows),
        sessions_with_cart=sum(row.sessions_with_cart for row in rows),
        sessions_with_purchase=sum(row.sessions_with_purchase for row in rows),
    )


def build_tiles(totals: PeriodTotals, before: PeriodTotals | None) -> list[Tile]:
    return [Tile(kpi, kpi.value(totals), kpi.value(before) if before else None, kpi.note(totals)) for kpi in KPIS]


def build_funnel(totals: PeriodTotals) -> list[FunnelStep]:
    counts = (
        ("Viewed a product", totals.sessions_with_view),
        ("Added to cart", totals.sessions_with_cart),
        ("Purchased", totals.sessions_with_purchase),
    )
    first = counts[0][1]
    steps, previous = [], None
    for title, sessions in counts:
        share = sessions / first if first else None
        steps.append(FunnelStep(title, sessions, share, sessions / previous if previous else None))
        previous = sessions
    return steps


def build_series(period: Period, days: dict[date, KpiDay]) -> dict[str, list[str] | list[float] | list[int]]:
    """One value per day for the chart, zeros included; `revenue` is net."""
    rows = [days.get(day, KpiDay(day)) for day in days_between(period.first, period.last)]
    return {
        "day": [row.day.isoformat() for row in rows],
        "revenue": [float(row.revenue) for row in rows],
        "orders": [row.orders for row in rows],
    }
