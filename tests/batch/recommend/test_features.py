"""Features of small histories, with the numbers computed by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from batch.recommend.features import HALF_LIFE_DAYS, MOST_VIEWS, POPULAR_DAYS, Features, build_features
from tests.batch.recommend.made import LAST, make_interaction, open_made


def build(*rows: dict[str, object], day: date = LAST) -> Features:
    return build_features(open_made(list(rows), []), day)


def read_strengths(features: Features, customer: str = "ann") -> dict[str, float]:
    """In the order of the history."""
    row = features.histories.take(np.flatnonzero(features.customer_ids == customer))
    return dict(zip(features.product_ids[row.product].tolist(), np.expm1(row.strength).tolist(), strict=True))


def test_events_weigh_by_type() -> None:
    rows = [
        make_interaction(LAST, "ann", "viewed", events=2),
        make_interaction(LAST, "ann", "carted", event_type="cart"),
        make_interaction(LAST, "ann", "bought", event_type="purchase"),
        make_interaction(LAST, "ann", "refunded", event_type="refund"),
    ]
    assert read_strengths(build(*rows)) == pytest.approx({"bought": 6, "carted": 3, "refunded": 0, "viewed": 2}, rel=1e-5)


def test_a_removal_takes_back_the_cart_and_no_more() -> None:
    rows = [
        make_interaction(LAST, "ann", "kept", event_type="cart", events=2),
        make_interaction(LAST, "ann", "kept", event_type="remove_from_cart"),
        make_interaction(LAST, "ann", "removed", event_type="remove_from_cart", events=5),
    ]
    assert read_strengths(build(*rows)) == pytest.approx({"kept": 3, "removed": 0}, rel=1e-5)


def test_events_fade_and_many_views_are_capped() -> None:
    old = LAST - timedelta(days=HALF_LIFE_DAYS)
    rows = [make_interaction(old, "ann", "old", events=4), make_interaction(LAST, "ann", "many", events=MOST_VIEWS + 30)]
    assert read_strengths(build(*rows)) == pytest.approx({"many": MOST_VIEWS, "old": 2}, rel=1e-5)


def test_the_latest_product_is_first() -> None:
    rows = [
        make_interaction(LAST - timedelta(days=2), "ann", "first"),
        make_interaction(LAST, "ann", "evening", hour=20),
        make_interaction(LAST, "ann", "noon", hour=12),
    ]
    assert list(read_strengths(build(*rows))) == ["evening", "noon", "first"]


def test_nothing_of_a_later_day_is_known() -> None:
    before = [
        make_interaction(LAST - timedelta(days=1), "ann", "p1", events=3),
        make_interaction(LAST - timedelta(days=1), "ben", "p2", price=Decimal("5.00")),
    ]
    later = [
        make_interaction(LAST, "ann", "p1", events=9, brand="nike", category_1="hats", price=Decimal("99.00")),
        make_interaction(LAST, "eve", "p3"),
    ]
    known, alone = build(*before, *later, day=LAST - timedelta(days=1)), build(*before, day=LAST - timedelta(days=1))
    for name in ("product_ids", "category", "categories", "popularity", "customer_ids"):
        assert np.array_equal(getattr(known, name), getattr(alone, name))
    assert read_strengths(known) == read_strengths(alone)


def test_popularity_is_of_the_last_days() -> None:
    rows = [
        make_interaction(LAST, "ann", "now", event_type="purchase"),
        make_interaction(LAST - timedelta(days=POPULAR_DAYS - 1), "ann", "now"),
        make_interaction(LAST - timedelta(days=POPULAR_DAYS), "ann", "past", events=50),
        make_interaction(LAST, "ann", "unwanted", event_type="remove_from_cart"),
    ]
    features = build(*rows)
    assert dict(zip(features.product_ids.tolist(), features.popularity.tolist(), strict=True)) == {
        "now": 7, "past": 0, "unwanted": 0,
    }  # fmt: skip
