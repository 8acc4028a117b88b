"""The history as a whole: the same seed gives the same rows, longer histories start with shorter ones, and sums add up."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from source_server.history import rhythm
from source_server.history.dirt import COPY, DIRTY, MAX_LATE_DAYS
from source_server.history.refunds import REFUND_SHARE
from source_server.history.rhythm import SALE
from source_server.history.rows import COLUMNS
from source_server.history.shop import Shop
from source_server.history.summary import Summary
from tests.source_server.history.conftest import FIRST, SMALL, history


def summarise(table: pa.Table) -> Summary:
    summary = Summary()
    summary.add(table)
    return summary


def select_arrivals(table: pa.Table, day: date) -> pa.Table:
    return table.filter(pc.equal(pc.divide(table["arrives"], 86_400), day.toordinal()))


def test_same_seed_same_rows_whatever_else_is_random(small: pa.Table) -> None:
    random.seed(1)
    np.random.seed(2)
    assert history(replace(SMALL), FIRST, 8).equals(small)


def test_another_seed_is_another_history(small: pa.Table) -> None:
    assert not history(replace(SMALL, seed=-8), FIRST, 1).equals(select_arrivals(small, FIRST))


def test_a_longer_history_begins_with_the_shorter_one(small: pa.Table) -> None:
    assert history(SMALL, FIRST, 9).slice(0, len(small)).equals(small)


@pytest.mark.parametrize("day", [1, MAX_LATE_DAYS, 7])
def test_a_single_further_day_is_the_one_of_the_longer_history(day: int, small: pa.Table) -> None:
    assert history(SMALL, FIRST + timedelta(days=day), 1).equals(select_arrivals(small, FIRST + timedelta(days=day)))


def test_the_same_holds_for_days_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rhythm, "PART_EVENTS", 100)
    assert max(part.parts for part in SMALL.parts(FIRST, FIRST)) > 5
    parted = history(SMALL, FIRST, 4)
    assert (np.diff(parted["arrives"].to_numpy()) >= 0).all()
    assert history(SMALL, FIRST + timedelta(days=3), 1).equals(select_arrivals(parted, FIRST + timedelta(days=3)))
    assert len(parted) == pytest.approx(len(history(SMALL, FIRST, 4)), rel=0.1)


def test_a_day_before_the_history_is_refused() -> None:
    with pytest.raises(ValueError, match="begins on 2019-09-20; 2019-09-19 is before it"):
        history(SMALL, FIRST - timedelta(days=1), 2)


def test_rows_arrive_in_order_and_some_happened_before(small: pa.Table) -> None:
    assert (np.diff(small["arrives"].to_numpy()) >= 0).all()
    late_by = pc.subtract(pc.divide(small["arrives"], 86_400), small["day"]).to_numpy()
    assert set(late_by.tolist()) == set(range(MAX_LATE_DAYS + 1))
    clean = small.filter(pc.less(small["fate"], DIRTY))
    happened = [date.fromisoformat(time[:10]).toordinal() for time in clean["event_time"].to_pylist()]
    assert happened == clean["day"].to_pylist()


def test_only_copies_are_equal(small: pa.Table) -> None:
    """A row that equals another by chance would be counted as a duplicate downstream."""
    clean = small.filter(pc.less(small["fate"], DIRTY))
    earlier: set[tuple[str | None, ...]] = set()
    for row in clean.select([*COLUMNS, "fate"]).to_pylist():
        fate, values = row.pop("fate"), tuple(row.values())
        assert (values in earlier) == (fate == COPY), "and the copy comes after"
        earlier.add(values)
    assert COPY in clean["fate"].to_pylist()


def test_a_larger_shop_has_more_of_everything(small: pa.Table) -> None:
    large = summarise(history(Shop(7, FIRST, 3000, 120_000), FIRST, 8))
    assert large.events == pytest.approx(2 * summarise(small).events, rel=0.1)
    assert large.customers == pytest.approx(2 * summarise(small).customers, rel=0.1)


@pytest.mark.parametrize(("customers", "events"), [(2000, 6000), (1500, 21_000), (3000, 60_000), (300, 60_000)])
def test_sixty_days_have_the_requested_size(customers: int, events: int) -> None:
    summary = summarise(history(Shop(7, date(2019, 9, 2), customers, events), date(2019, 9, 2), 60))
    assert summary.rows == pytest.approx(events, rel=0.03)
    assert summary.customers == pytest.approx(customers, rel=0.05)


def test_the_sale_is_a_day_of_its_own() -> None:
    sale = date(2019, *SALE)
    rows = history(SMALL, sale - timedelta(days=1), 3)
    days = Counter(rows["day"].to_pylist())
    assert days[sale.toordinal()] > 1.5 * max(days[sale.toordinal() - 1], days[sale.toordinal() + 1])


def test_evenings_and_saturdays_are_busy(dirty: pa.Table) -> None:
    hours = Counter(row // 3600 % 24 for row in dirty["arrives"].to_pylist())
    assert hours[17] > 3 * hours[2]
    first, saturday = FIRST.toordinal(), FIRST.toordinal() + 1
    days = Counter(dirty["day"].to_pylist())
    assert days[saturday] > days[first + 3], "21 September is a Saturday, the 23rd a Monday"


def test_new_customers_come_every_day_also_after_the_sixtieth() -> None:
    rows = history(SMALL, FIRST, 64)
    earlier: set[int] = set()
    for number in range(64):
        visitors = set(select_arrivals(rows, FIRST + timedelta(days=number))["customer"].to_pylist())
        assert number == 0 or len(visitors - earlier) >= 8
        earlier |= visitors


def test_refunds_return_whole_lines_purchased_days_before(dirty: pa.Table) -> None:
    clean = dirty.filter(pc.less(dirty["fate"], DIRTY)).to_pylist()
    line = ("user_id", "product_id", "price", "quantity", "order_id")
    purchases = {tuple(row[name] for name in line): row["day"] for row in clean if row["event_type"] == "purchase"}
    refunds = [row for row in clean if row["event_type"] == "refund"]
    assert {row["day"] - purchases[tuple(row[name] for name in line)] for row in refunds} == {1, 2, 3}
    assert {row["user_session"] for row in refunds} == {None}
    assert any(row["order_id"] for row in refunds)
    assert 0.005 < len(refunds) / len(purchases) < REFUND_SHARE
