"""Reads of mart.kpi_day and mart.customer_day, at most one period at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.cache import cache
from django.db import connection

from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY
from cdp_web.overview.periods import Period, PeriodChoice, parse_period
from cdp_web.serving.publications import Publication


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


_COLUMNS = ", ".join(KpiDay.__slots__)


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


def customers_count(publication: Publication, period: Period) -> int:
    """Distinct customers of the period. A publication never changes, so the answer is cached under its id."""
    key = f"customers-{publication.id}-{period.first}-{period.last}"
    count: int | None = cache.get(key)
    if count is None:
        count = _count_customers(period)
        cache.set(key, count, timeout=86_400)
    return count


def _count_customers(period: Period) -> int:
    with connection.cursor() as cursor:
        # DISTINCT in a subquery hashes; count(DISTINCT …) would sort.
        cursor.execute(
            f"SELECT count(*) FROM (SELECT DISTINCT customer_id FROM {CUSTOMER_DAY.full_name} WHERE day BETWEEN %s AND %s) seen",
            [period.first, period.last],
        )
        return int(cursor.fetchone()[0])
