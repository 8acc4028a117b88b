"""Reads of the chart tables: products, categories, brands, hours and order values of a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from cdp.mart.charts import BRAND_DAY, CATEGORY_DAY, HOUR_DAY, ORDER_VALUE_DAY, PRODUCT_DAY
from cdp_web.names.selectors import Names
from cdp_web.overview.kpis import compute_change
from cdp_web.overview.periods import Period

#: How many rows a short list has.
SHORT = 5
#: The level of the categories whose movements the page shows.
MOVES_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Earner:
    """A product, category or brand with its net revenue; `before` is missing without a period to compare with."""

    key: str
    revenue: Decimal
    before: Decimal | None
    category: str = ""
    brand: str = ""
    #: Of the product or category, and of the product's category; empty if the shop has none.
    name: str = ""
    category_name: str = ""

    @property
    def difference(self) -> Decimal:
        return self.revenue - (self.before or 0)

    @property
    def change(self) -> float | None:
        return None if self.before is None else compute_change(self.revenue, self.before)


@dataclass(frozen=True, slots=True)
class HourTotal:
    """Orders and money of one hour of one day of the week, 1 is Monday."""

    weekday: int
    hour: int
    orders: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class OrderValueRange:
    from_value: Decimal
    to_value: Decimal | None
    orders: int
    revenue: Decimal


#: Parts of the breakdowns whose keys are categories.
CATEGORY_PARTS = ("categories", "gains", "losses")


@dataclass(frozen=True, slots=True)
class Breakdowns:
    """What the page shows of products, categories and brands."""

    products: list[Earner]
    categories: list[Earner]
    brands: list[Earner]
    gains: list[Earner]
    losses: list[Earner]


_REVENUE = "coalesce(sum(revenue) FILTER (WHERE day BETWEEN %(first)s AND %(last)s), 0)"
_BEFORE = "coalesce(sum(revenue) FILTER (WHERE day BETWEEN %(first_before)s AND %(last_before)s), 0)"
_IN_EITHER = "(day BETWEEN %(first)s AND %(last)s OR day BETWEEN %(first_before)s AND %(last_before)s)"


def breakdowns_get(period: Period, before: Period | None) -> Breakdowns:
    of_level = f"{CATEGORY_DAY.full_name} WHERE level = {{}} AND {_IN_EITHER}"
    largest = f"{_REVENUE} DESC"
    return Breakdowns(
        products=_read_earners(
            f"{PRODUCT_DAY.full_name} WHERE {_IN_EITHER}", "product_id", period, before, largest, "max(category), max(brand)"
        ),
        categories=_read_earners(of_level.format(1), "category", period, before, largest),
        brands=_read_earners(f"{BRAND_DAY.full_name} WHERE {_IN_EITHER}", "brand", period, before, largest),
        gains=_read_moves(of_level.format(MOVES_LEVEL), period, before, "DESC"),
        losses=_read_moves(of_level.format(MOVES_LEVEL), period, before, "ASC"),
    )


def _read_moves(rows: str, period: Period, before: Period | None, order: str) -> list[Earner]:
    """The categories that gained (DESC) or lost (ASC) the most money."""
    if before is None:
        return []
    earners = _read_earners(rows, "category", period, before, f"{_REVENUE} - {_BEFORE} {order}")
    return [earner for earner in earners if (earner.difference > 0 if order == "DESC" else earner.difference < 0)]


def _read_earners(rows: str, key: str, period: Period, before: Period | None, order: str, names: str = "'', ''") -> list[Earner]:
    # Without a comparison the earlier period is empty: its last day is before its first.
    first_before, last_before = (before.first, before.last) if before else (period.last, period.first.min)
    sql = f"SELECT {key}, {_REVENUE}, {_BEFORE}, {names} FROM {rows} GROUP BY {key} ORDER BY {order}, {key} LIMIT {SHORT}"
    parameters = {"first": period.first, "last": period.last, "first_before": first_before, "last_before": last_before}
    return [
        Earner(name, revenue, earlier if before else None, category, brand)
        for name, revenue, earlier, category, brand in _read(sql, parameters)
    ]


def earners_add_names(breakdowns: Breakdowns, names: Names) -> Breakdowns:
    def add_names(earners: list[Earner], by_key: Mapping[str, str]) -> list[Earner]:
        categories = names.categories
        return [replace(e, name=by_key.get(e.key, ""), category_name=categories.get(e.category, "")) for e in earners]

    return replace(
        breakdowns,
        products=add_names(breakdowns.products, names.products),
        **{part: add_names(getattr(breakdowns, part), names.categories) for part in CATEGORY_PARTS},
    )


def hours_get(period: Period) -> list[HourTotal]:
    sql = (
        f"SELECT extract(isodow FROM day)::int, hour, sum(orders), sum(revenue) FROM {HOUR_DAY.full_name} "
        "WHERE day BETWEEN %s AND %s GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [HourTotal(*row) for row in _read(sql, [period.first, period.last])]


def order_values_get(period: Period) -> list[OrderValueRange]:
    sql = (
        f"SELECT from_value, max(to_value), sum(orders), sum(revenue) FROM {ORDER_VALUE_DAY.full_name} "
        "WHERE day BETWEEN %s AND %s GROUP BY from_value ORDER BY from_value"
    )
    return [OrderValueRange(*row) for row in _read(sql, [period.first, period.last])]


def category_cause_get(day: date, usual_days: Sequence[date], is_high: bool) -> tuple[str, Decimal, Decimal] | None:
    """The category that differs most from its mean on the usual days: its name, its revenue on the day, and that mean."""
    sql = (
        "SELECT category, coalesce(sum(revenue) FILTER (WHERE day = %(day)s), 0) AS that_day, "
        "round(coalesce(sum(revenue) FILTER (WHERE day <> %(day)s), 0) / %(count)s, 2) AS usual "
        f"FROM {CATEGORY_DAY.full_name} WHERE level = {MOVES_LEVEL} AND day = ANY(%(days)s) GROUP BY category"
    )
    order = "DESC" if is_high else "ASC"
    parameters = {"day": day, "days": [day, *usual_days], "count": len(usual_days)}
    rows = _read(f"SELECT * FROM ({sql}) categories ORDER BY that_day - usual {order}, category LIMIT 1", parameters)
    return rows[0] if rows else None


def _read(sql: str, parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
