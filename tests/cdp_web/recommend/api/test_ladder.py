"""Which products a person gets, from which rung and for what reason, on a shop of ten products."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cdp.recommend.parts import ALIKE, POPULAR, POPULAR_IN_CATEGORY, SEEN_TOGETHER
from cdp_web.recommend.api.ladder import (
    COMPUTED,
    OWN_PAST,
    SESSION,
    STORED,
    Filters,
    Visitor,
    choose_new_places,
    list_beside,
    list_buy_again,
    list_for_you,
    list_of_model,
)
from cdp_web.recommend.api.reasons import explain
from cdp_web.recommend.api.rungs import Pick
from cdp_web.recommend.api.serving import Serving, ShopProduct, make_serving, nothing_published
from tests.cdp_web.recommend.api.shop import PHONES, PRODUCTS, make_customer, make_pointer, make_publication, number

NO_FILTERS = Filters()


@pytest.fixture
def serving() -> Serving:
    publication = make_publication()
    return make_serving(make_pointer(publication), publication, {})


def show(picks: list[Pick]) -> list[tuple[str, str]]:
    return [(PRODUCTS[pick.number], pick.source) for pick in picks]


def test_a_stranger_gets_what_is_popular(serving: Serving) -> None:
    picks = list_for_you(serving, Visitor(), NO_FILTERS, 3, [])
    assert show(picks) == [("l0", POPULAR), ("l1", POPULAR), ("l2", POPULAR)]
    phones = list_for_you(serving, Visitor(), Filters(category="electronics"), 2, [])
    assert show(phones) == [("p0", POPULAR_IN_CATEGORY), ("p1", POPULAR_IN_CATEGORY)]
    assert explain(serving, Visitor(), phones)[0].text == "Popular in electronics.phone"


def test_the_ladder_goes_from_this_visit_to_the_night_to_the_model_to_what_is_popular(serving: Serving) -> None:
    stored = make_customer(for_you=("p3", "l1", "p4"), products=("p1",), bought=("l2",))
    visitor = Visitor(session=[number("p0")], strengths=[1.0], stored=stored)
    picks = list_for_you(serving, visitor, NO_FILTERS, 10, [])
    assert show(picks)[:3] == [("l1", SESSION), ("p3", STORED), ("p4", STORED)]
    assert {source for _, source in show(picks)[3:]} == {COMPUTED}
    assert {product for product, _ in show(picks)}.isdisjoint({"p0", "l2"}), "looked at in this visit, and bought"
    reasons = explain(serving, visitor, picks)[:2]
    assert [(reason.code, reason.product_id) for reason in reasons] == [("looked-at", "p0")] * 2
    assert reasons[0].text == "Because you looked at p0"


def test_a_customer_without_a_list_gets_one_from_the_model(serving: Serving) -> None:
    visitor = Visitor(stored=make_customer(products=("p1", "p2")))
    picks = list_for_you(serving, visitor, Filters(exclude=["p0"]), 2, [])
    assert {source for _, source in show(picks)} == {COMPUTED}
    assert {product for product, _ in show(picks)} <= set(PHONES)


def test_only_products_that_are_wanted_and_can_be_bought(serving: Serving) -> None:
    publication = make_publication()
    shop = {product: ShopProduct(f"The {product}", 500, True) for product in PRODUCTS if product != "l2"}
    shop["l0"] = replace(shop["l0"], is_sold=False)
    shop["p0"] = replace(shop["p0"], price=700)
    served = make_serving(make_pointer(publication), publication, shop)
    everything = list_for_you(served, Visitor(), NO_FILTERS, 50, [])
    assert {product for product, _ in show(everything)} == set(PRODUCTS) - {"l0", "l2"}
    assert served.format_price(number("p0")) == "7.00"
    cheap = list_for_you(served, Visitor(), Filters(max_price=600, category="electronics", exclude=["p2", "unknown"]), 50, [])
    assert {product for product, _ in show(cheap)} == set(PHONES) - {"p0", "p2"}
    assert {product for product, _ in show(list_for_you(serving, Visitor(), Filters(min_price=50_000), 50, []))} == {"p4", "p5"}
    assert list_for_you(serving, Visitor(), Filters(category="electron"), 50, []) == []


def test_what_was_bought_since_the_publication_and_what_is_in_the_cart_is_left_out(serving: Serving) -> None:
    visitor = Visitor(session=[number("p0")], strengths=[1.0], bought=[number("l1")], cart=[number("l2")])
    assert {product for product, _ in show(list_for_you(serving, visitor, NO_FILTERS, 50, []))} == set(PRODUCTS) - {
        "p0",
        "l1",
        "l2",
    }


def test_buy_again_is_the_own_past_and_nothing_else(serving: Serving) -> None:
    visitor = Visitor(stored=make_customer(buy_again=("l1", "p2"), bought=("l1",)))
    picks = list_buy_again(serving, visitor, NO_FILTERS, 10)
    assert show(picks) == [("l1", OWN_PAST), ("p2", OWN_PAST)]
    assert [reason.code for reason in explain(serving, visitor, picks)] == ["bought", "seen-before"]
    assert list_buy_again(serving, Visitor(), NO_FILTERS, 10) == []


def test_beside_a_product_or_a_cart(serving: Serving) -> None:
    product = Visitor(session=[number("p0")])
    goes = list_beside(serving, product, NO_FILTERS, 3, SEEN_TOGETHER)
    assert show(goes)[:2] == [("l1", SEEN_TOGETHER), ("l2", SEEN_TOGETHER)]
    assert (show(goes)[2][1], show(goes)[2][0] in PHONES) == (ALIKE, True)
    assert explain(serving, product, goes)[0].text == "Often seen together with p0"
    assert explain(serving, product, goes)[2].text == "Similar to p0"
    cart = Visitor(session=[number("p0")], cart=[number("l0")])
    assert show(list_beside(serving, cart, NO_FILTERS, 1, SEEN_TOGETHER)) == [("p3", SEEN_TOGETHER)]
    similar = list_beside(serving, product, NO_FILTERS, 5, ALIKE)
    assert {product for product, _ in show(similar)} == set(PHONES) - {"p0"}


def test_a_reason_names_only_products_that_the_shop_still_has() -> None:
    publication = make_publication()
    shop = {product: ShopProduct(f"The {product}", 500, True) for product in PRODUCTS if product != "p0"}
    served = make_serving(make_pointer(publication), publication, shop)
    visitor = Visitor(session=[number("p0"), number("p1")], strengths=[1.0, 1.0])
    picks = list_for_you(served, visitor, Filters(category="electronics"), 1, [])
    assert explain(served, visitor, picks)[0].text == "Because you looked at The p1"
    (beside,) = list_beside(served, Visitor(session=[number("p0")]), NO_FILTERS, 1, SEEN_TOGETHER)
    assert explain(served, Visitor(session=[number("p0")]), [beside])[0].code == "popular-in-category"


def test_an_arm_serves_its_model(serving: Serving) -> None:
    visitor = Visitor(session=[number("p0")], strengths=[1.0], stored=make_customer(for_you=("p3",)))
    assert show(list_of_model(serving, visitor, NO_FILTERS, 1, POPULAR)) == [("l0", POPULAR)]
    assert show(list_of_model(serving, visitor, NO_FILTERS, 1, POPULAR_IN_CATEGORY)) == [("p1", POPULAR_IN_CATEGORY)]
    assert show(list_of_model(serving, Visitor(cart=[number("l0")]), NO_FILTERS, 1, SEEN_TOGETHER)) == [("p3", SEEN_TOGETHER)]


def test_one_place_in_ten_is_for_a_new_product_like_what_the_customer_likes(serving: Serving) -> None:
    visitor = Visitor(stored=make_customer(for_you=("l0", "p3"), products=("p1",)))
    picks = list_for_you(serving, visitor, NO_FILTERS, 2, [1])
    assert show(picks) == [("l0", STORED), ("p5", ALIKE)]
    assert [pick.is_new for pick in picks] == [False, True]
    assert explain(serving, visitor, picks)[1].text == "New, and similar to p1"
    assert not any(pick.is_new for pick in list_for_you(serving, Visitor(), NO_FILTERS, 5, [4])), "nothing is known to be liked"


def test_new_products_get_one_place_in_ten_at_every_length() -> None:
    assert [choose_new_places(count, 0.99) for count in (10, 25)] == [[9], [9, 19]]
    for count in (1, 6):
        chances = np.linspace(0, 1, 1000, endpoint=False)
        assert sum(len(choose_new_places(count, chance)) for chance in chances) == pytest.approx(1000 * count / 10, abs=1)


def test_before_the_first_publication_every_list_is_empty() -> None:
    serving = nothing_published()
    assert list_for_you(serving, Visitor(), Filters(category="x", min_price=1), 10, [9]) == []
    assert list_beside(serving, Visitor(), NO_FILTERS, 10, SEEN_TOGETHER) == []
    assert list_of_model(serving, Visitor(), NO_FILTERS, 10, POPULAR) == []
