"""The tables of the stream "live", from batches of any size that come once, twice or in other pieces."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from cdp.mart.live_windows import (
    Funnel,
    Sums,
    last_minutes,
    read_funnel,
    read_minutes,
    read_orders,
    read_progress,
    read_ranking,
    read_sums,
)
from streaming.messages import Topic
from tests.streaming.live.conftest import Tables, drop_repeated, read
from tests.streaming.live.examples import NOON, Sent, make_visits, send
from tests.streaming.live.recomputation import recompute

pytestmark = pytest.mark.stack("postgres")


def test_the_tables_are_equal_to_a_recomputation_of_all_messages(tables: Tables) -> None:
    rng = random.Random(25)
    sent = make_visits(rng, 400)
    cuts = sorted({0, len(sent), *rng.sample(range(len(sent)), 9)})
    known: set[tuple[str, str]] = set()
    for start, end in pairwise(cuts):
        rows = drop_repeated(read(sent[start:end], start), known)
        tables.add(rows, start, end)
        if rng.random() < 0.5:
            tables.add(rows, start, end)  # Spark delivers it again
    expected = recompute(sent)
    assert tables.read() == expected
    assert sum(row[1] for row in expected["minute"]) == len(expected["orders"]) > 50

    assert read_counts(tables) == count_outcomes(sent)

    # A new checkpoint reads the topic from its beginning, in other batches.
    half = len(sent) // 2
    known.clear()
    for start, end in ((0, half), (half, len(sent))):
        tables.add(drop_repeated(read(sent[start:end], start), known), start, end)
    assert tables.read() == expected
    assert read_counts(tables) == count_outcomes(sent)


def count_outcomes(sent: Sequence[Sent]) -> dict[str, int]:
    """From the ids that the examples have."""
    ids = [each.event["event_id"] for each in sent]
    counts = {name: sum(each.startswith(name) for each in ids) for name in ("late", "old", "ahead", "refused")}
    good = len(ids) - sum(counts.values())
    return {"received": len(ids), "repeated": good - sum(each.startswith("e") for each in set(ids)), **counts}


def read_counts(tables: Tables) -> dict[str, int]:
    progress = tables.call(read_progress)
    return {name: getattr(progress, name) for name in ("received", "repeated", "late", "old", "ahead", "refused")}


def test_an_order_grows_and_moves_to_the_minute_of_its_first_event(tables: Tables) -> None:
    order = {"event_type": "purchase", "order_id": "o1", "price": "10", "quantity": "2"}
    tables.add(read([send(5, "a", product_id="p2", **order), send(5, "other", event_type="purchase", order_id="o2")]), 0, 2)
    assert [row[:2] for row in tables.read()["minute"]] == [(NOON + timedelta(minutes=5), 2)]
    tables.add(read([send(4, "b", product_id="p1", **order), send(6, "c", product_id="p2", **order)], 2), 2, 4)
    assert [row[1] for row in tables.read()["minute"]] == [1, 1, 0]
    (first, *_) = [each for each in tables.call(read_orders, 5) if each.order_id == "o1"]
    assert (first.ordered_at, first.lines, first.units, first.amount) == (NOON + timedelta(minutes=4), 3, 6, Decimal("60.00"))
    assert tables.read()["orders"][0][-1] == ["p1", "p2"]


def test_another_topic_of_the_same_name_is_counted_from_its_beginning(tables: Tables) -> None:
    tables.add(read([send(0, "a")]), 0, 1)
    tables.add(read([send(1, "b")]), 0, 1, Topic("events.raw", "t2", {}))
    assert read_counts(tables)["received"] == 2
    assert len(tables.read()["minute"]) == 2


def test_old_rows_are_deleted_but_minutes_and_orders_stay(tables: Tables) -> None:
    tables.add(read([send(0, "a")]), 0, 1)
    tables.add(read([send(200, "b")], 1), 1, 2)
    counts = {name: len(rows) for name, rows in tables.read().items()}
    assert counts == {"minute": 2, "product_minute": 2, "customer_minute": 1, "interest_minute": 1, "orders": 1}
    tables.add(read([send(50 * 60, "c")], 2), 2, 3)
    assert [(row[0] - NOON) / timedelta(minutes=1) for row in tables.read()["product_minute"]] == [200, 50 * 60]


def test_windows_beside_the_windows_before(tables: Tables) -> None:
    """The window is the five minutes until 12:10; the one before ends at 12:05."""
    buy = {"event_type": "purchase", "price": "10.10", "order_id": "o1"}
    sent = [
        send(1, "1", user_id="u1", **buy | {"product_id": "p1", "quantity": "3"}),
        send(2, "2", user_id="u1", **buy | {"product_id": "p2", "category_code": "other"}),
        send(6, "3", user_id="u2", product_id="p2", event_type="view"),
        send(7, "4", user_id="u2", product_id="p2", event_type="cart"),
        send(8, "5", user_id="u2", **buy | {"product_id": "p2", "quantity": "2", "order_id": "o2", "category_code": "other"}),
        send(9, "6", user_id="u3", product_id="p1", event_type="refund", price="1.10"),
        send(9.9, "7", user_id="u4", product_id="p1", event_type="view"),
    ]
    tables.add(read(sent), 0, len(sent))
    window = last_minutes(5, NOON + timedelta(minutes=9, seconds=30))
    assert (window.begin, window.end, window.minutes) == (NOON + timedelta(minutes=5), NOON + timedelta(minutes=10), 5)
    now, before = (tables.call(read_sums, each) for each in (window, window.before))
    money = {"gross": Decimal("20.20"), "refunds": Decimal("1.10")}
    assert now == Sums(orders=1, views=2, carts=1, purchases=1, units=2, visitors=2, **money)
    assert (now.revenue, now.average_order) == (Decimal("19.10"), Decimal("20.20"))
    assert (before.orders, before.units, before.gross, before.visitors, before.views) == (1, 4, Decimal("40.40"), 1, 0)
    assert tables.call(read_sums, last_minutes(1, NOON)).average_order is None

    minutes = tables.call(read_minutes, window)
    assert [(each.orders, each.revenue) for each in minutes] == [
        *[(0, Decimal(0))] * 3,
        (1, Decimal("20.20")),
        (0, Decimal("-1.10")),
    ]

    (top,) = tables.call(read_ranking, window, "product", "units")
    assert (top.key, top.rank, top.rank_before, top.units, top.units_before) == ("p2", 1, 2, 2, 1)
    assert (top.revenue, top.revenue_before, top.views, top.category_code) == (Decimal("20.20"), Decimal("10.10"), 1, "other")
    ranked = tables.call(read_ranking, last_minutes(10, NOON + timedelta(minutes=9)), "category", "revenue")
    assert [(each.key, each.rank, each.revenue) for each in ranked] == [
        ("other", 1, Decimal("30.30")),
        ("electronics.smartphone", 2, Decimal("29.20")),
    ]
    assert [each.key for each in tables.call(read_ranking, window, "product", "revenue", "trending")] == ["p2"]
    assert tables.call(read_ranking, window.before, "product", "units", "top", 1)[0].key == "p1"

    assert tables.call(read_funnel, window) == Funnel(visitors=2, viewed=2, carted=1, bought=1)
