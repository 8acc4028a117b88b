"""Reads of the schema `recommend` for the dashboard: what serves, the trained versions, and what lists of a period led to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from cdp.mart.recommend import CLICK, EXPOSURE, PUBLICATION, RESULT_DAY, RESULT_SHOP, SEEN, VERSION
from cdp.mart.table import Table
from cdp_web.overview.periods import Period
from cdp_web.serving.tables import read_rows

VERSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Serving:
    """The newest publication of lists."""

    publication: str
    day: date
    version: str  # empty: no trained model serves
    for_you: str
    goes_with: str
    published_at: datetime
    customers: int
    products: int
    listed_products: int

    @property
    def coverage(self) -> float | None:
        return self.listed_products / self.products if self.products else None


@dataclass(frozen=True, slots=True)
class Version:
    """A trained version; the evaluation is empty until it has run."""

    version: str
    day: date
    trained_at: datetime
    seconds: int
    evaluated_at: datetime | None
    promoted: bool
    run_url: str
    evaluation: Mapping[str, Any]

    @property
    def ndcg(self) -> dict[str, float]:
        """NDCG@10 of each model for the list "for you"."""
        return {name: measures["ndcg_10"] for name, measures in self.evaluation.get("for_you", {}).items()}


@dataclass(frozen=True, slots=True)
class Sums:
    """What lists led to: those of a day, a place and a source, or of several."""

    served: int = 0
    seen: int = 0
    clicked: int = 0
    lines: int = 0
    revenue: Decimal = Decimal(0)

    @property
    def ctr(self) -> float | None:
        return self.clicked / self.seen if self.seen else None

    @property
    def conversion(self) -> float | None:
        return self.lines / self.clicked if self.clicked else None

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.served + other.served, self.seen + other.seen, self.clicked + other.clicked, self.lines + other.lines,
            self.revenue + other.revenue,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayResult:
    day: date
    place: str
    source: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class ShopDay:
    day: date
    lines: int
    revenue: Decimal


def serving_get() -> Serving | None:
    columns = "publication, day, version, for_you, goes_with, published_at, customers, products, listed_products"
    sql = f"SELECT {columns} FROM {PUBLICATION.full_name} ORDER BY published_at DESC LIMIT 1"
    return next((Serving(*row) for row in read_rows(PUBLICATION, sql)), None)


def versions_get() -> list[Version]:
    """The newest first."""
    columns = "version, day, trained_at, seconds, evaluated_at, promoted, run_url, evaluation"
    sql = f"SELECT {columns} FROM {VERSION.full_name} ORDER BY trained_at DESC LIMIT {VERSIONS_SHOWN}"
    return [Version(*(*row[:7], json.loads(row[7] or "{}"))) for row in read_rows(VERSION, sql)]


def results_get_last_day() -> date | None:
    """The last day with results; None before the first."""
    return next((day for (day,) in read_rows(RESULT_SHOP, f"SELECT max(day) FROM {RESULT_SHOP.full_name}")), None)


def results_get(period: Period) -> list[DayResult]:
    sql = f"""
        SELECT day, place, source, sum(served)::bigint, sum(seen)::bigint, sum(clicked)::bigint, sum(lines)::bigint, sum(revenue)
        FROM {RESULT_DAY.full_name} WHERE day BETWEEN %s AND %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
    return [DayResult(day, place, source, Sums(*sums)) for day, place, source, *sums in _read_period(RESULT_DAY, sql, period)]


def today_get(now: datetime) -> Sums:
    """Lists that were served since midnight, without orders. A list with a click was seen, as in the results of a day."""
    sql = f"""
        SELECT count(*), count(*) FILTER (WHERE seen OR clicked), count(*) FILTER (WHERE clicked)
        FROM (SELECT EXISTS (SELECT FROM {SEEN.full_name} WHERE exposure_id = list.exposure_id) AS seen,
                EXISTS (SELECT FROM {CLICK.full_name} WHERE exposure_id = list.exposure_id) AS clicked
            FROM {EXPOSURE.full_name} list WHERE served_at >= %s) lists"""
    midnight = datetime.combine(now.astimezone(UTC).date(), time.min, UTC)
    return next((Sums(*row) for row in read_rows(EXPOSURE, sql, midnight)), Sums())


def shop_days_get(period: Period) -> list[ShopDay]:
    sql = f"SELECT day, lines, revenue FROM {RESULT_SHOP.full_name} WHERE day BETWEEN %s AND %s ORDER BY day"
    return [ShopDay(*row) for row in _read_period(RESULT_SHOP, sql, period)]


def add_up(results: Sequence[DayResult], key: Callable[[DayResult], Any]) -> dict[Any, Sums]:
    """The sums by key, in the order of the keys."""
    sums: dict[Any, Sums] = {}
    for result in results:
        sums[key(result)] = sums.get(key(result), Sums()) + result.sums
    return dict(sorted(sums.items()))


def _read_period(table: Table, sql: str, period: Period) -> list[Any]:
    return read_rows(table, sql, period.first, period.last)
