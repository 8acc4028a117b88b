"""A history of years: what a night takes of Postgres and HDFS does not grow with the number of days. How the seconds grow is
measured by ./run bench night-growth."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from deltalake import DeltaTable

from batch.stores import publish
from cdp.paths import CUSTOMER_DAY, INTERACTIONS, table_url
from tests.batch.shop import Shop, shop
from tests.spark_session import utc

__all__ = ["shop"]

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]

FIRST = date(2016, 11, 1)
SHORT, LONG = 100, 1_100


def day_of(number: int) -> date:
    """The history's first day is 1."""
    return FIRST + timedelta(days=number - 1)


def visits(first: int, last: int) -> list[dict[str, Any]]:
    """Two events a day: somebody new looks, and one of seven customers buys."""
    found = []
    for number in range(first, last + 1):
        day = day_of(number)
        found.append({"event_time": utc(day.year, day.month, day.day, 9), "user_id": f"new{number}"})
        bought = {"event_type": "purchase", "user_id": f"c{number % 7}", "order_id": f"o{number}"}
        found.append({"event_time": utc(day.year, day.month, day.day, 23), **bought})
    return found


def test_a_night_takes_as_few_locks_and_files_after_three_years_as_after_three_months(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks: list[int] = []
    insert = publish._insert_publication

    def counted(cursor: Any, *rest: Any) -> None:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")
        locks.append(cursor.fetchall()[0][0])
        insert(cursor, *rest)

    monkeypatch.setattr(publish, "_insert_publication", counted)
    shop.receive(*visits(1, SHORT))
    shop.night(day_of(SHORT))
    shop.receive(*visits(SHORT + 1, LONG - 1))
    shop.night(day_of(LONG - 1))
    files = {name: len(DeltaTable(table_url(shop.settings, name)).file_uris()) for name in (CUSTOMER_DAY, INTERACTIONS)}
    assert files == dict.fromkeys(files, 37 + 1), "a file for each month, and one more where two nights wrote a month"
    shop.receive(*visits(LONG, LONG))
    shop.night(day_of(LONG))
    seen = shop.numbers()
    shop.night(day_of(LONG), everything=True)

    restated = [count for (count,) in shop.rows("SELECT counts->'days_restated' FROM mart.publication ORDER BY id")]
    assert restated == [SHORT, LONG - 1 - SHORT, 1, LONG]
    assert max(locks) - min(locks) <= 40, f"what is locked hangs on the tables, and not on the days: {locks}"
    assert shop.numbers() == seen
    assert shop.rows("SELECT count(*), sum(customers), sum(orders), sum(revenue) FROM mart.kpi_day") == [
        (LONG, 2 * LONG, LONG, 10 * LONG)
    ]
