"""The shop sells a part of what the generated history is about."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from source_server.history.catalogue import make_catalogue
from source_server.shop.assortment import MAX_CATEGORIES, make_assortment

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_products_have_the_ids_brands_and_prices_of_the_history() -> None:
    catalogue, goods = make_catalogue(7, 300_000), make_assortment(7, 300_000, 15, 200, NOW)
    columns = (catalogue.product_id, catalogue.category_id, catalogue.brand, catalogue.price)
    history = {row[0]: row[1:] for row in zip(*(column.to_pylist() for column in columns), strict=True)}
    assert len({row["product_id"] for row in goods.products}) == len({row["name"] for row in goods.products}) == 200
    for row in goods.products:
        assert history[str(row["product_id"])] == (str(row["category_id"]), row["brand"], str(row["price"]))


def test_categories_are_a_tree_with_parents_first() -> None:
    goods = make_assortment(7, 300_000, 15, 200, NOW)
    so_far: set[int] = set()
    for row in goods.categories:
        assert row["parent_id"] is None or row["parent_id"] in so_far
        so_far.add(row["category_id"])
    assert len({row["category_id"] for row in goods.products}) == 15
    names = {row["code"]: row["name"] for row in goods.categories}
    assert (names["electronics"], names["furniture.living_room"]) == ("Electronics", "Living room")


def test_a_smaller_shop_is_a_part_of_a_larger_one() -> None:
    small, large = make_assortment(7, 300_000, 3, 30, NOW), make_assortment(7, 300_000, MAX_CATEGORIES, 2_000, NOW)
    assert all(row in large.products for row in small.products)
    assert all(row in large.categories for row in small.categories)
    assert all(isinstance(row["price"], Decimal) for row in large.products)


@pytest.mark.parametrize("products", [14, 1_000_000])
def test_an_impossible_number_of_products_is_refused(products: int) -> None:
    with pytest.raises(ValueError, match="15 categories have 15 to"):
        make_assortment(7, 300_000, 15, products, NOW)


@pytest.mark.parametrize("products", [15, 16, 40, 3_000])
def test_every_category_has_products(products: int) -> None:
    goods = make_assortment(7, 300_000, 15, products, NOW)
    assert len(goods.products) == products
    assert len({row["category_id"] for row in goods.products}) == 15
