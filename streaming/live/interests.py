"""Writes the short-term interests of customers to Redis, from the sums of their minutes in Postgres, and what they bought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis

from cdp.errors import first_line
from cdp.interests import LIVE_BOUGHT_DAYS, InterestRow, write_bought, write_interests
from cdp.mart.live import INTEREST_MINUTE, ORDER
from cdp.mart.live_windows import Cursor
from cdp.settings import Settings

#: Redis is on the way of every batch.
SECONDS = 5
_KINDS = "('product', product_id), ('category', category_code), ('brand', brand)"
_READ = f"""
    SELECT customer_id, minute, kind, key, sum(strength)::bigint
    FROM {INTEREST_MINUTE.full_name}, LATERAL (VALUES {_KINDS}) AS things (kind, key)
    WHERE minute > %(after)s AND key <> '' {{only}} GROUP BY 1, 2, 3, 4"""
_READ_ALL = _READ.format(only="")
_READ_SOME = _READ.format(
    only="AND (minute, customer_id) IN (SELECT * FROM unnest(%(minutes)s::timestamptz[], %(customers)s::text[]))"
)
_READ_BOUGHT = f"""
    SELECT customer_id, array_agg(product ORDER BY ordered_at DESC)
    FROM {ORDER.full_name}, jsonb_array_elements_text(products) AS bought (product)
    WHERE ordered_at > %(after)s {{only}} GROUP BY 1"""
_READ_ALL_BOUGHT = _READ_BOUGHT.format(only="")
_READ_SOME_BOUGHT = _READ_BOUGHT.format(only="AND customer_id = ANY(%(customers)s)")

#: A customer and a minute.
CustomerMinute = tuple[str, datetime]


@dataclass(slots=True)
class InterestWriter:
    """Writes the minutes of a batch. In the first batch, and after Redis was away, it writes all minutes of the window."""

    settings: Settings
    _client: redis.Redis | None = None
    _is_complete: bool = False

    def write(self, cursor: Cursor, minutes: Iterable[CustomerMinute], now: datetime) -> None:
        """The live numbers don't wait for Redis: its error is printed, and the next batch tries again."""
        length = self.settings.interest_minutes
        changed = list(minutes) if self._is_complete else None
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


def _read_rows(cursor: Cursor, minutes: Iterable[CustomerMinute] | None, after: datetime) -> list[InterestRow]:
    """The rows of these minutes, or of all."""
    parameters: dict[str, object] = {"after": after}
    if minutes is not None:
        recent = [each for each in minutes if each[1] > after]
        parameters |= {"customers": [customer for customer, _ in recent], "minutes": [minute for _, minute in recent]}
    cursor.execute(_READ_ALL if minutes is None else _READ_SOME, parameters)
    return [InterestRow(*row) for row in cursor.fetchall()]


def _read_bought(cursor: Cursor, minutes: Iterable[CustomerMinute] | None, after: datetime) -> dict[str, list[str]]:
    """What the customers of these minutes, or all, have bought, the latest first."""
    customers = None if minutes is None else sorted({customer for customer, _ in minutes})
    cursor.execute(_READ_ALL_BOUGHT if customers is None else _READ_SOME_BOUGHT, {"after": after, "customers": customers})
    return dict(cursor.fetchall())
