"""A history of years: the locks and files of a night do not grow with the number of days. `./run bench night-growth` measures how
the seconds grow."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from deltalake import DeltaTable

from batch.stores import publish
from cdp.lake.paths import CUSTOMER_DAY, INTERACTIONS, table_url
from tests.batch.shop import Shop, shop
from tests.spark_session import utc

__all__ = ["shop"]

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark, pytest.mark.slow]

FIRST = date(2016, 11, 1)
SHORT, LONG = 100, 1_100


def day_of(number: int) -> date:
    """The first day of the history has number 1."""
    return FIRST + timedelta(days=number - 1)


def make_visits(first: int, last: int) -> list[dict[str, Any]]:
    """Two events per day: a new customer views, and one of seven customers buys."""
    events = []
    for number in range(first, last + 1):
        day = day_of(number)
        events.append({"event_time": utc(day.year, day.month, day.day, 9), "user_id": f"new{number}"})
        purchase = {"event_type": "purchase", "user_id": f"c{number % 7}", "order_id": f"o{number}"}
        events.append({"event_time": utc(day.year, day.month, day.day, 23), **purchase})
    return events


def test_a_night_takes_as_few_locks_and_files_after_three_years_as_after_three_months(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks: list[int] = []
    insert = publish._insert_publication

    def count_locks(cursor: Any, *rest: Any) -> None:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")
        locks.append(cursor.fetchall()[0][0])
        insert(cursor, *rest)

    monkeypatch.setattr(publish, "_insert_publication", count_locks)
    shop.receive(*make_visits(1, SHORT))
    shop.night(day_of(SHORT))
    shop.receive(*make_visits(SHORT + 1, LONG - 1))
    shop.night(day_of(LONG - 1))
    files = {name: len(DeltaTable(table_url(shop.settings, name)).file_uris()) for name in (CUSTOMER_DAY, INTERACTIONS)}
    assert files == dict.fromkeys(files, 37 + 1), "one file per month, and one more for the month that two nights wrote"
    shop.receive(*make_visits(LONG, LONG))
    shop.night(day_of(LONG))

    restated = [count for (count,) in shop.rows("SELECT counts->'days_restated' FROM mart.publication ORDER BY id")]
    assert restated == [SHORT, LONG - 1 - SHORT, 1]
    assert max(locks) - min(locks) <= 40, f"the number of locks must not depend on the number of days: {locks}"
    assert shop.rows("SELECT count(*), sum(customers), sum(orders), sum(revenue) FROM mart.kpi_day") == [
        (LONG, 2 * LONG, LONG, 10 * LONG)
    ]
