"""Neighbours of a few products."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from batch.recommend.features import build_features
from batch.recommend.neighbours import DECAY, find_alike, find_seen_together
from tests.batch.recommend.made import LAST, make_interaction, make_view, open_made

Found = dict[str, list[tuple[str, float]]]


def name_neighbours(product_ids: list[str], neighbours: object, weights: object) -> Found:
    pairs = zip(product_ids, neighbours.tolist(), weights.tolist(), strict=True)  # type: ignore[attr-defined]
    return {
        product: [(product_ids[other], weight) for other, weight in zip(row, of_row, strict=True) if other >= 0]
        for product, row, of_row in pairs
    }


def test_products_of_a_visit_go_together_and_popular_ones_less() -> None:
    views = [
        make_view(LAST, "ann", "1", "a", 0), make_view(LAST, "ann", "1", "b", 1), make_view(LAST, "ann", "1", "c", 2),
        make_view(LAST, "ben", "1", "c", 0),
        make_view(LAST, "ben", "2", "a", 0), make_view(LAST, "ben", "2", "a", 1), make_view(LAST, "ben", "2", "b", 2),
    ]  # fmt: skip
    duck = open_made([make_interaction(LAST, "ann", product) for product in "abc"], views)
    ids = build_features(duck, LAST).product_ids.tolist()
    found = name_neighbours(ids, *find_seen_together(duck, LAST))
    assert [name for name, _ in found["a"]] == ["b", "c"]
    assert dict(found["a"]) == pytest.approx({"b": 2 / 2**0.5, "c": DECAY / 2**0.5}, abs=1e-5)
    assert dict(found["c"]) == pytest.approx({"b": 1 / 2**0.5, "a": DECAY / 2**0.5}, abs=1e-5)


def test_visits_of_later_days_are_not_known() -> None:
    views = [make_view(LAST, "ann", "1", "a", 0), make_view(LAST, "ann", "1", "b", 1)]
    yesterday = LAST - timedelta(days=1)
    duck = open_made([make_interaction(yesterday, "ann", product) for product in "ab"], views)
    build_features(duck, yesterday)
    assert (find_seen_together(duck, yesterday)[0] == -1).all()


def test_alike_is_brand_and_price_band_then_brand_then_price_band() -> None:
    def sell(product: str, brand: str, price: int, events: int = 1, **fields: str) -> dict[str, object]:
        return make_interaction(LAST, "ann", product, brand=brand, price=Decimal(price), events=events, **fields)

    duck = open_made(
        [
            sell("this", "vans", 10), sell("twin", "vans", 11), sell("popular twin", "vans", 12, events=9),
            sell("dear", "vans", 90), sell("other brand", "nike", 9), sell("neither", "nike", 91), sell("middle", "nike", 50),
            sell("middling", "nike", 51), sell("much", "nike", 95), sell("some", "nike", 52), sell("mid", "nike", 53),
            sell("hat", "vans", 10, category_1="hats"),
        ],
        [],
    )  # fmt: skip
    ids = build_features(duck, LAST).product_ids.tolist()
    names = [name for name, _ in name_neighbours(ids, *find_alike(duck))["this"]]
    assert names == ["popular twin", "twin", "dear", "other brand"]
