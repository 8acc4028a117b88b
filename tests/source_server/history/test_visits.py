"""Visits are plausible: each stays in its day, an order has a product once, and only products in the cart are removed."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from source_server.history.catalogue import CATEGORIES, Catalogue, make_catalogue
from source_server.history.customers import KINDS
from source_server.history.rhythm import SECONDS_A_DAY
from source_server.history.seeds import make_rng
from source_server.history.visits import CART, PURCHASE, REMOVAL, VIEW, Events, Visitors, make_events

VISITS = 30_000


@pytest.fixture(scope="module")
def goods() -> Catalogue:
    return make_catalogue(1, 300_000)


def visits(goods: Catalogue, length: float = 4.6, sale: bool = False) -> Events:
    rng = make_rng(1, "test")
    favourites = rng.integers(0, len(CATEGORIES), (VISITS, 2))
    visitors = Visitors(rng.integers(0, len(KINDS), VISITS), favourites, rng.integers(0, SECONDS_A_DAY, VISITS))
    return make_events(rng, visitors, goods, length, sale)


def test_every_visit_begins_with_a_view_and_its_seconds_grow_within_the_day(goods: Catalogue) -> None:
    events = visits(goods)
    opening = np.diff(events.visit, prepend=-1) > 0
    assert opening.sum() == VISITS
    assert (events.type[opening] == VIEW).all()
    assert (np.diff(events.second)[~opening[1:]] > 0).all()
    assert 0 <= events.second.min() <= events.second.max() < SECONDS_A_DAY


def test_the_basket_of_a_visit_adds_up(goods: Catalogue) -> None:
    events = visits(goods)
    products: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for visit, kind, product in zip(events.visit.tolist(), events.type.tolist(), events.product.tolist(), strict=True):
        assert kind == VIEW or (visit, product) in products[VIEW], "only what was looked at"
        assert kind == VIEW or (visit, product) not in products[kind], "once"
        assert kind != REMOVAL or (visit, product) in products[CART], "only what was put in"
        assert kind != PURCHASE or (visit, product) not in products[REMOVAL], "not what was taken out"
        products[kind].add((visit, product))
    assert 0.5 < len(products[PURCHASE] & products[CART]) / len(products[PURCHASE]) < 0.9, "some buy at a click"


@pytest.mark.parametrize("length", [1.5, 3.0, 4.6])
def test_visits_have_the_requested_length(goods: Catalogue, length: float) -> None:
    assert len(visits(goods, length)) / VISITS == pytest.approx(length, rel=0.05)


def test_a_sale_sells(goods: Catalogue) -> None:
    assert (visits(goods, sale=True).type == PURCHASE).sum() > 1.2 * (visits(goods).type == PURCHASE).sum()


def test_only_purchases_take_more_than_one_unit(goods: Catalogue) -> None:
    events = visits(goods)
    assert set(events.quantity[events.type == PURCHASE].tolist()) == {1, 2, 3, 4}
    assert (events.quantity[events.type != PURCHASE] == 1).all()


@pytest.mark.parametrize("events", [4000, 300_000, 10_000_000])
def test_products_have_ids_of_their_own_and_prices_are_money(events: int) -> None:
    goods = make_catalogue(1, events)
    ids = goods.product_id.to_pylist()
    assert len(set(ids)) == len(ids)
    assert {len(one) for one in ids} >= {8, 9, 19}
    prices = zip(goods.sale_price.to_pylist(), goods.price.to_pylist(), strict=True)
    assert all(0 < float(sale) <= float(price) < 1e5 and price[-3] == sale[-3] == "." for sale, price in prices)
    assert len({category.code for category in CATEGORIES if category.code}) >= 15


def test_a_larger_shop_sells_more_products(goods: Catalogue) -> None:
    assert len(make_catalogue(1, 1_200_000).product_id) == pytest.approx(2 * len(goods.product_id), rel=0.05)
