"""The history as a whole: the same for the same seed, longer ones begin with shorter ones, and it adds up."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest

from source_server.history.dirt import MAX_LATE_DAYS
from source_server.history.rows import PLACES, Row
from source_server.history.shop import SALE, Shop
from source_server.history.summary import Summary

FIRST = date(2019, 9, 20)
SMALL = Shop(seed=7, first_day=FIRST, customers=1500, events=60_000)


def rows_of(shop: Shop, first: date, days: int) -> list[tuple[date, list[Row]]]:
    return list(shop.arrivals(first, first + timedelta(days=days - 1)))


def test_same_seed_same_rows_whatever_else_is_random() -> None:
    random.seed(1)
    once = rows_of(SMALL, FIRST, 4)
    random.seed(2)
    assert rows_of(Shop(7, FIRST, 1500, 60_000), FIRST, 4) == once


def test_another_seed_is_another_history() -> None:
    assert rows_of(Shop(8, FIRST, 1500, 60_000), FIRST, 1) != rows_of(SMALL, FIRST, 1)


def test_a_longer_history_begins_with_the_shorter_one() -> None:
    assert rows_of(SMALL, FIRST, 9)[:8] == rows_of(SMALL, FIRST, 8)


@pytest.mark.parametrize("day", [1, MAX_LATE_DAYS, 7])
def test_a_single_further_day_is_the_one_of_the_longer_history(day: int) -> None:
    assert rows_of(SMALL, FIRST + timedelta(days=day), 1) == rows_of(SMALL, FIRST, day + 1)[-1:]


def test_a_day_before_the_history_is_refused() -> None:
    with pytest.raises(ValueError, match="begins on 2019-09-20; 2019-09-19 lies before it"):
        rows_of(SMALL, FIRST - timedelta(days=1), 2)


def test_rows_arrive_in_order_and_some_happened_before() -> None:
    days = rows_of(SMALL, FIRST, 8)
    earlier = 0
    for day, rows in days:
        assert [row.arrives for row in rows] == sorted(row.arrives for row in rows)
        clean = [row.values[PLACES["event_time"]] or "" for row in rows if row.dirt is None]
        assert max(clean)[:10] == str(day), "nothing arrives before it happens"
        earlier += sum(time[:10] < str(day) for time in clean)
        assert min(clean)[:10] >= str(day - timedelta(days=MAX_LATE_DAYS))
    assert earlier > 5


def test_only_copies_are_equal() -> None:
    """A row that equals another by chance would be counted as a duplicate downstream."""
    rows = [row for _, rows in rows_of(SMALL, FIRST, 8) for row in rows if row.dirt is None]
    equal = sum(count - 1 for count in Counter(row.values for row in rows).values())
    assert equal == sum(row.copy for row in rows) > 0


def test_a_larger_shop_has_more_of_everything() -> None:
    small, large = Summary(), Summary()
    for shop, summary in ((SMALL, small), (Shop(7, FIRST, 3000, 120_000), large)):
        for _, rows in rows_of(shop, FIRST, 3):
            summary.add(rows)
    assert large.events == pytest.approx(2 * small.events, rel=0.1)
    assert large.customers == pytest.approx(2 * small.customers, rel=0.1)


def test_the_sale_is_a_day_of_its_own() -> None:
    sale = date(2019, *SALE)
    days = {day: len(rows) for day, rows in SMALL.arrivals(sale - timedelta(days=1), sale + timedelta(days=1))}
    assert days[sale] > 1.5 * max(days[sale - timedelta(days=1)], days[sale + timedelta(days=1)])


def test_new_customers_come_every_day_also_after_the_sixtieth() -> None:
    seen: set[str | None] = set()
    for number, (_, rows) in enumerate(rows_of(SMALL, FIRST, 64)):
        users = {row.values[PLACES["user_id"]] for row in rows if row.dirt is None}
        assert number == 0 or len(users - seen) >= 10
        seen |= users
