"""Reads of mart.kpi_day and mart.customer_day, one period at a time.

A publication never changes, so what takes longer to count is cached under its id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from django.core.cache import cache
from django.db import connection

from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY
from cdp_web.overview.periods import Period, PeriodChoice, parse_period
from cdp_web.serving.publications import Publication

CACHE_SECONDS = 86_400
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class KpiDay:
    """Numbers of the shop on one day; zeros on a day without events."""

    day: date
    new_customers: int = 0
    sessions: int = 0
    sessions_with_view: int = 0
    sessions_with_cart: int = 0
    sessions_with_purchase: int = 0
    orders: int = 0
    items: int = 0
    refunds: int = 0
    gross_revenue: Decimal = Decimal(0)
    revenue: Decimal = Decimal(0)
    customers: int = 0
    buyers: int = 0


@dataclass(frozen=True, slots=True)
class CustomerCounts:
    """Distinct customers of a period. `viewed`, `carted` and `purchased` are the funnel: each did the steps before too."""

    customers: int = 0
    buyers: int = 0
    viewed: int = 0
    carted: int = 0
    purchased: int = 0


_COLUMNS = ", ".join(KpiDay.__slots__)
_BY_CUSTOMER = f"""
SELECT {{start}} AS start, bool_or(views > 0) AS viewed, bool_or(carts > 0) AS carted, bool_or(orders > 0) AS purchased
FROM {CUSTOMER_DAY.full_name} WHERE day BETWEEN %s AND %s GROUP BY 1, customer_id
"""
_COUNT_CUSTOMERS = """
SELECT start, count(*), count(*) FILTER (WHERE purchased), count(*) FILTER (WHERE viewed),
       count(*) FILTER (WHERE viewed AND carted), count(*) FILTER (WHERE viewed AND carted AND purchased)
FROM ({by_customer}) customers GROUP BY start
"""


def kpi_days_get(period: Period) -> dict[date, KpiDay]:
    """The days of the period with an event."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM {KPI_DAY.full_name} WHERE day BETWEEN %s AND %s ORDER BY day", [period.first, period.last]
        )
        return {row[0]: KpiDay(*row) for row in cursor.fetchall()}


def kpi_first_day_get() -> date | None:
    """The first day of the history."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(day) FROM {KPI_DAY.full_name}")
        first_day: date | None = cursor.fetchone()[0]
        return first_day


def period_choose(parameters: Mapping[str, str], publication: Publication) -> PeriodChoice:
    """The period that the parameters of an address name; raises ValueError with the valid ones."""
    return parse_period(parameters, kpi_first_day_get(), publication.day)


def customer_counts_get(publication: Publication, period: Period) -> CustomerCounts:
    key, start = f"customers-{period.first}-{period.last}", f"'{period.first}'::date"
    counts = remember(publication, key, lambda: _count_customers(period, start))
    return counts.get(period.first, CustomerCounts())


def customer_counts_get_by(publication: Publication, period: Period, step: str) -> dict[date, CustomerCounts]:
    """Customers of each `week` or `month`, by its first day."""
    key = f"customers-{step}-{period.first}-{period.last}"
    return remember(publication, key, lambda: _count_customers(period, f"date_trunc('{step}', day)::date"))


def _count_customers(period: Period, start: str) -> dict[date, CustomerCounts]:
    with connection.cursor() as cursor:
        # DISTINCT in a subquery hashes; count(DISTINCT …) would sort.
        sql = _COUNT_CUSTOMERS.format(by_customer=_BY_CUSTOMER.format(start=start))
        cursor.execute(sql, [period.first, period.last])
        return {row[0]: CustomerCounts(*row[1:]) for row in cursor.fetchall()}


def remember(publication: Publication, key: str, read: Callable[[], Answer]) -> Answer:
    """The answer of `read`, computed once for a publication."""
    answer: Answer = cache.get_or_set(f"overview-{publication.id}-{key}", read, timeout=CACHE_SECONDS)
    return answer
