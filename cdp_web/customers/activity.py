"""What one customer did, summed up from the snapshot's interactions: over time, by hour, and by product, category and brand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

from cdp.lake.paths import INTERACTIONS
from cdp_web.customers.headlines import CartMove
from cdp_web.serving.snapshot_query import Session
from cdp_web.serving.snapshot_store import KEY

Thing = Literal["category", "brand", "product"]
#: A history up to this long is shown by week, a longer one by month.
MAX_WEEKS = 27
FAVOURITES_SHOWN = 6
#: The latest ones that count for the cart.
MOVES_READ = 5_000
_MINE = "mine"
_CATEGORY = "nullif(concat_ws('.', category_1, category_2, category_3), '')"
_THINGS: dict[Thing, str] = {"category": _CATEGORY, "brand": "brand", "product": "product_id"}


@dataclass(frozen=True, slots=True)
class Period:
    """A week or a month of the customer. `money` is net of refunds."""

    first: date
    events: int
    bought: int
    order_days: int
    money: Decimal


@dataclass(frozen=True, slots=True)
class Favourite:
    name: str
    views: int
    bought: int
    money: Decimal


@dataclass(frozen=True, slots=True)
class Activity:
    by_month: bool
    periods: list[Period]
    #: (weekday from 1 for Monday, hour) -> events.
    hours: dict[tuple[int, int], int]
    favourites: dict[Thing, list[Favourite]]
    moves: list[CartMove]


def activity_get(session: Session, key: int, first: date, last: date) -> Activity:
    """The interactions are scanned once, into a temporary table; the sums read that."""
    session.execute(f"CREATE OR REPLACE TEMP TABLE {_MINE} AS SELECT * FROM {INTERACTIONS} WHERE {KEY} = {int(key)}")
    by_month = (last - first).days > MAX_WEEKS * 7
    hours = session.read_rows(
        f"SELECT isodow(day) AS weekday, hour, sum(events) AS events FROM {_MINE} WHERE event_type <> 'refund' GROUP BY ALL"
    )
    favourites: dict[Thing, list[Favourite]] = {thing: _read_favourites(session, name) for thing, name in _THINGS.items()}
    return Activity(
        by_month,
        fill_periods(_read_periods(session, by_month), first, last, by_month=by_month),
        {(row["weekday"], row["hour"]): int(row["events"]) for row in hours},
        favourites,
        _read_moves(session),
    )


def fill_periods(periods: list[Period], first: date, last: date, *, by_month: bool) -> list[Period]:
    """Every week or month from the first day to the last, also those in which nothing happened."""
    by_start = {period.first: period for period in periods}
    start, filled = find_start(first, by_month=by_month), []
    while start <= last:
        filled.append(by_start.get(start) or Period(start, 0, 0, 0, Decimal("0.00")))
        start = find_start(start + timedelta(days=31 if by_month else 7), by_month=by_month)
    return filled


def find_start(day: date, *, by_month: bool) -> date:
    return day.replace(day=1) if by_month else day - timedelta(days=day.weekday())


def _read_periods(session: Session, by_month: bool) -> list[Period]:
    """A refund is no visit: the shop books it. Its money is negative."""
    start = f"date_trunc('{'month' if by_month else 'week'}', day)::DATE"
    rows = session.read_rows(
        f"SELECT {start} AS first, coalesce(sum(events) FILTER (event_type <> 'refund'), 0) AS events,"
        " coalesce(sum(quantity) FILTER (event_type = 'purchase'), 0) AS bought,"
        " count(DISTINCT day) FILTER (event_type = 'purchase') AS order_days,"
        f" sum(money) AS money FROM {_MINE} GROUP BY 1 ORDER BY 1"
    )
    return [
        Period(row["first"], int(row["events"]), int(row["bought"]), row["order_days"], row["money"] or Decimal("0.00"))
        for row in rows
    ]


def _read_favourites(session: Session, name: str) -> list[Favourite]:
    rows: list[dict[str, Any]] = session.read_rows(
        f"SELECT {name} AS name, coalesce(sum(events) FILTER (event_type = 'view'), 0) AS views,"
        " coalesce(sum(quantity) FILTER (event_type = 'purchase'), 0) AS bought, coalesce(sum(money), 0) AS money"
        f" FROM {_MINE} GROUP BY 1 HAVING name IS NOT NULL ORDER BY views DESC, money DESC, name LIMIT {FAVOURITES_SHOWN}"
    )
    return [Favourite(row["name"], int(row["views"]), int(row["bought"]), row["money"]) for row in rows]


def _read_moves(session: Session) -> list[CartMove]:
    rows = session.read_rows(
        f"SELECT product_id, day, hour, event_type, sum(events) AS events FROM {_MINE}"
        " WHERE event_type IN ('cart', 'remove_from_cart', 'purchase') GROUP BY ALL"
        f" ORDER BY day DESC, hour DESC LIMIT {MOVES_READ}"
    )
    return [CartMove(**{**row, "events": int(row["events"])}) for row in rows]
