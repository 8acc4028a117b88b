"""Visits are plausible: each stays in its day, an order has a product once, and only products in the cart are removed."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from source_server.history.catalogue import CATEGORIES, COMPLEMENTS, Catalogue, make_catalogue
from source_server.history.customers import KINDS
from source_server.history.rhythm import SECONDS_A_DAY
from source_server.history.seeds import make_rng
from source_server.history.visits import CART, PURCHASE, REMOVAL, VIEW, Events, Visitors, make_events

VISITS = 30_000
SHELVES = {category.code: shelf for shelf, category in enumerate(CATEGORIES)}


@pytest.fixture(scope="module")
def goods() -> Catalogue:
    return make_catalogue(1, 300_000)


def visits(goods: Catalogue, length: float = 4.6, sale: bool = False, taste: float | None = None) -> Events:
    """`taste` is that of all visitors; without it, each has another."""
    rng = make_rng(1, "test")
    favourites = rng.integers(0, len(CATEGORIES), (VISITS, 2))
    kind, start = rng.integers(0, len(KINDS), VISITS), rng.integers(0, SECONDS_A_DAY, VISITS)
    tastes = rng.random(VISITS) if taste is None else np.full(VISITS, taste)
    visitors = Visitors(kind, favourites, tastes, start)
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


def views_of(goods: Catalogue, taste: float | None = None) -> Events:
    events = visits(goods, taste=taste)
    return events.where(events.type == VIEW)


def count_products(goods: Catalogue, code: str, taste: float) -> Counter[int]:
    """Views of each product on a shelf, by visitors with this taste."""
    product = views_of(goods, taste).product
    return Counter(product[goods.shelf[product] == SHELVES[code]].tolist())


@pytest.mark.parametrize("code", ["electronics.smartphone", "apparel.shoes", "kids.toys"])
def test_a_taste_is_a_price_band_and_a_few_products_in_it(goods: Catalogue, code: str) -> None:
    cheap, similar, dear = (count_products(goods, code, taste) for taste in (0.1, 0.22, 0.9))
    price, price_of_dear = (np.median([float(goods.price[one].as_py()) for one in each.elements()]) for each in (cheap, dear))
    assert price < 0.8 * price_of_dear
    best, best_of_similar = ({product for product, _ in each.most_common(10)} for each in (cheap, similar))
    assert sum(cheap[product] for product in best) > cheap.total() / 5
    assert len(best & best_of_similar) <= 5, "tastes differ within a price band too"


def test_the_next_product_of_a_visit_is_like_the_one_before(goods: Catalogue) -> None:
    views = views_of(goods)
    follows = (np.diff(views.visit) == 0) & (np.diff(views.product) != 0) & (np.diff(goods.shelf[views.product]) == 0)
    pairs = Counter(zip(views.product[:-1][follows].tolist(), views.product[1:][follows].tolist(), strict=True))
    brand = goods.brand.to_pylist()
    assert sum(count for pair, count in pairs.items() if len({brand[one] for one in pair}) == 1) > 0.7 * pairs.total()
    assert sum(count for count in pairs.values() if count > 1) > pairs.total() / 3, "and often the same two go together"


def test_a_visit_also_looks_at_what_goes_with_a_product(goods: Catalogue) -> None:
    views = views_of(goods)
    shelf = goods.shelf[views.product]
    after_smartphone = np.flatnonzero((np.diff(views.visit) == 0) & (shelf[:-1] == SHELVES["electronics.smartphone"])) + 1
    headphones = shelf == SHELVES["electronics.audio.headphone"]
    assert headphones[after_smartphone].mean() > 1.5 * headphones.mean()


def test_every_category_goes_with_one_that_exists() -> None:
    assert {*COMPLEMENTS, *COMPLEMENTS.values()} <= SHELVES.keys()
