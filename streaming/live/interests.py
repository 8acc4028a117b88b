"""Writes the short-term interests of customers to Redis, from the sums of their minutes in Postgres, and what they bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import redis

from cdp.errors import first_line
from cdp.interests import LIVE_BOUGHT_DAYS, InterestRow, write_bought, write_interests
from cdp.mart.live import INTEREST_MINUTE, ORDER
from cdp.mart.live_windows import Cursor
from cdp.settings import Settings

#: Redis is on the way of every batch.
SECONDS = 5
_COLUMNS = {"product": "product_id", "category": "category_code", "brand": "brand"}
_READ_KIND = f"""
    SELECT customer_id, minute, '{{kind}}', {{column}}, sum(strength)::bigint FROM {INTEREST_MINUTE.full_name}
    WHERE minute > %(after)s AND {{column}} <> '' {{only}} GROUP BY 1, 2, 4"""
#: The first condition uses the index of the table.
_TOUCHED = """
    AND minute = ANY (%(touched)s) AND (minute, customer_id, {column}) IN (
        SELECT * FROM unnest(%({kind}_minutes)s::timestamptz[], %({kind}_customers)s::text[], %({kind}_keys)s::text[]))"""


def _read_kinds(only: str) -> str:
    kinds = (
        _READ_KIND.format(kind=kind, column=column, only=only.format(kind=kind, column=column))
        for kind, column in _COLUMNS.items()
    )
    return " UNION ALL ".join(kinds)


_READ_ALL, _READ_SOME = _read_kinds(""), _read_kinds(_TOUCHED)
_READ_BOUGHT = f"""
    SELECT customer_id, array_agg(product ORDER BY ordered_at DESC)
    FROM {ORDER.full_name}, jsonb_array_elements_text(products) AS bought (product)
    WHERE ordered_at > %(after)s {{only}} GROUP BY 1"""
_READ_ALL_BOUGHT = _READ_BOUGHT.format(only="")
_READ_SOME_BOUGHT = _READ_BOUGHT.format(only="AND customer_id = ANY(%(customers)s)")


@dataclass(frozen=True, slots=True)
class Touched:
    """What the events of a batch may have changed."""

    minutes: Sequence[datetime]
    #: The values of the SQL that reads their sums: minute, customer and key of each product, category and brand.
    things: Mapping[str, Sequence[object]]
    buyers: Sequence[str]


def find_touched(events: pa.Table) -> Touched:
    events = events.append_column("minute", pc.floor_temporal(events.column("event_time"), unit="minute"))
    things: dict[str, Sequence[object]] = {}
    for kind, column in _COLUMNS.items():
        names = {"minute": f"{kind}_minutes", "user_id": f"{kind}_customers", column: f"{kind}_keys"}
        things |= events.group_by([*names]).aggregate([]).rename_columns(names).to_pydict()
    bought = events.filter(pc.equal(events.column("event_type"), "purchase")).column("user_id")
    return Touched(events.column("minute").unique().to_pylist(), things, bought.unique().to_pylist())


@dataclass(slots=True)
class InterestWriter:
    """Writes what a batch has touched. In the first batch, and after Redis was away, it writes all minutes of the window."""

    settings: Settings
    _client: redis.Redis | None = None
    _is_complete: bool = False

    def write(self, cursor: Cursor, touched: Touched, now: datetime) -> None:
        """The live numbers don't wait for Redis: its error is printed, and the next batch tries again."""
        length = self.settings.interest_minutes
        changed = touched if self._is_complete else None
        rows = _read_rows(cursor, changed, now - timedelta(minutes=length))
        bought = _read_bought(cursor, changed, now - timedelta(days=LIVE_BOUGHT_DAYS))
        try:
            write_interests(self._open(), rows, now, length)
            write_bought(self._open(), bought)
            self._is_complete = True
        except redis.RedisError as error:
            self._is_complete = False
            print(f"stream: Redis does not take the customers' interests: {first_line(error)}", flush=True)

    def _open(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                self.settings.redis_url, decode_responses=True, socket_timeout=SECONDS, socket_connect_timeout=SECONDS
            )
        return self._client


def _read_rows(cursor: Cursor, touched: Touched | None, after: datetime) -> list[InterestRow]:
    """The sums of what was touched, or of all."""
    some = {"touched": touched.minutes, **touched.things} if touched else {}
    cursor.execute(_READ_SOME if touched else _READ_ALL, {"after": after, **some})
    return [InterestRow(*row) for row in cursor.fetchall()]


def _read_bought(cursor: Cursor, touched: Touched | None, after: datetime) -> dict[str, list[str]]:
    """What the customers who have bought now, or all, have bought, the latest first."""
    parameters = {"after": after, "customers": touched.buyers if touched else None}
    cursor.execute(_READ_SOME_BOUGHT if touched else _READ_ALL_BOUGHT, parameters)
    return dict(cursor.fetchall())
