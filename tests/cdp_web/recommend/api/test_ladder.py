"""Which products a list has, and where from: the made publication's structure gives the expected answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pytest

from cdp.recommend.parts import ALIKE, SEEN_TOGETHER
from cdp_web.recommend.api.ladder import (
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
from cdp_web.recommend.api.serving import Serving, ShopProduct
from tests.cdp_web.recommend.api.made import NEW, PRODUCTS, make_customer, make_small, name_product

NOTHING = Filters()


@pytest.fixture(scope="module")
def serving() -> Serving:
    return make_small()


def numbers(picks: Sequence[Pick]) -> list[int]:
    return [pick.number for pick in picks]


def sources(picks: Sequence[Pick]) -> list[str]:
    return [source for source, _ in groupby(pick.source for pick in picks)]


def test_stranger_gets_what_is_popular(serving: Serving) -> None:
    picks = list_for_you(serving, Visitor(), NOTHING, 5, [])
    assert (numbers(picks), sources(picks)) == ([0, 1, 2, 3, 4], ["popular"])


def test_stranger_on_a_category_page_gets_what_is_popular_there(serving: Serving) -> None:
    picks = list_for_you(serving, Visitor(), Filters(category="shoes"), 4, [])
    assert (numbers(picks), sources(picks)) == ([1, 2, 4, 5], ["popular-in-category"])


def test_visit_goes_before_the_stored_list_which_fills_up(serving: Serving) -> None:
    visitor = Visitor(session=[20, 30], stored=make_customer(for_you=[40, 21, 41, 42]))
    picks = list_for_you(serving, visitor, NOTHING, 7, [])
    assert numbers(picks) == [21, 31, 22, 32, 40, 41, 42], "neighbours of the latest product are stronger; none comes twice"
    assert sources(picks) == ["session", "stored"]


def test_strengths_of_the_visit_count(serving: Serving) -> None:
    picks = list_for_you(serving, Visitor(session=[20, 30], strengths=[0.1, 2.0]), NOTHING, 2, [])
    assert numbers(picks) == [31, 32]


def test_customer_without_a_stored_list_gets_a_computed_one(serving: Serving) -> None:
    picks = list_for_you(serving, Visitor(stored=make_customer(products=[1, 4])), NOTHING, 3, [])
    assert sources(picks) == ["computed"]
    assert all(serving.name_category(number) == "shoes.sport" for number in numbers(picks))


def test_bought_seen_and_carted_products_are_hidden(serving: Serving) -> None:
    visitor = Visitor(session=[0], stored=make_customer(for_you=[1, 5, 6, 7, 8], bought=[5]), bought=[6], cart=[7])
    shown = numbers(list_for_you(serving, visitor, NOTHING, PRODUCTS, []))
    assert not {0, 5, 6, 7} & set(shown)
    assert len(shown) == PRODUCTS - 4


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(min_price=5800), [57, 58, 59]),
        (Filters(max_price=300), [0, 1, 2]),
        (Filters(max_price=300, exclude=["p1", "unknown"]), [0, 2]),
        (Filters(category="shoes.town", max_price=1000), [2, 5, 8]),
        (Filters(category="shoe"), []),
    ],
)
def test_filters(serving: Serving, filters: Filters, expected: list[int]) -> None:
    assert sorted(numbers(list_for_you(serving, Visitor(session=[20]), filters, 50, []))) == expected


def test_products_that_the_shop_does_not_sell_are_hidden() -> None:
    shop = {name_product(number): ShopProduct(f"Product {number}", 250, number != 1) for number in range(10)}
    serving = make_small(shop)
    picks = list_for_you(serving, Visitor(), NOTHING, 50, [])
    assert numbers(picks) == [0, 2, 3, 4, 5, 6, 7, 8, 9], "out of stock, and unknown to the shop"
    assert (serving.names[2], serving.format_price(2)) == ("Product 2", "2.50")


def test_buy_again_has_the_own_past_alone(serving: Serving) -> None:
    visitor = Visitor(stored=make_customer(for_you=[1], buy_again=[9, 8], bought=[9]))
    picks = list_buy_again(serving, visitor, NOTHING, 10)
    assert (numbers(picks), sources(picks)) == ([9, 8], ["own-past"])
    assert [explain(serving, visitor, pick).code for pick in picks] == ["bought", "seen-before"]
    assert list_buy_again(serving, Visitor(), NOTHING, 10) == []


def test_beside_a_product(serving: Serving) -> None:
    visitor = Visitor(session=[20])
    together = list_beside(serving, visitor, NOTHING, 4, SEEN_TOGETHER)
    assert (numbers(together)[:3], sources(together)) == ([21, 22, 23], ["seen-together", "alike", "popular-in-category"])
    assert numbers(list_beside(serving, visitor, NOTHING, 1, ALIKE)) == [23]


def test_cart_goes_before_the_visit(serving: Serving) -> None:
    assert numbers(list_beside(serving, Visitor(session=[20], cart=[30]), NOTHING, 2, SEEN_TOGETHER)) == [31, 32]


def test_arm_serves_its_model_and_fills_with_popular(serving: Serving) -> None:
    visitor = Visitor(session=[20], stored=make_customer(for_you=[40]))
    picks = list_of_model(serving, visitor, NOTHING, 3, ALIKE)
    assert (numbers(picks), sources(picks)) == ([23, 0, 1], ["alike", "popular"])
    assert sources(list_of_model(serving, visitor, NOTHING, 3, "popular")) == ["popular"]


def test_new_product_like_the_past_takes_a_place(serving: Serving) -> None:
    first_new = PRODUCTS - NEW
    visitor = Visitor(session=[first_new - 3])
    picks = list_for_you(serving, visitor, NOTHING, 10, [9])
    assert picks[9] == Pick(first_new, "alike", is_new=True)
    assert [pick.is_new for pick in picks] == [False] * 9 + [True]
    assert list_for_you(serving, Visitor(), NOTHING, 10, [9])[9].is_new is False, "nothing is known that it could be like"


def test_one_place_in_ten_is_for_new_products() -> None:
    assert choose_new_places(30, 0.9) == [9, 19, 29]
    chances = [chance / 100 for chance in range(100)]
    assert sum(len(choose_new_places(4, chance)) for chance in chances) == 40


@pytest.mark.parametrize(
    ("visitor", "pick", "expected"),
    [
        (Visitor(), Pick(3, "popular"), ("popular", None, "Popular now")),
        (Visitor(), Pick(3, "popular-in-category"), ("popular-in-category", None, "Popular in bags")),
        (Visitor(session=[20]), Pick(21, "session"), ("looked-at", "p20", "Because you looked at p20")),
        (Visitor(session=[18]), Pick(3, "computed"), ("looked-at", "p18", "Because you looked at p18")),
        (Visitor(session=[19]), Pick(3, "computed"), ("popular-in-category", None, "Popular in bags")),
        (Visitor(session=[20, 19]), Pick(21, "seen-together"), ("seen-together", "p20", "Often seen together with p20")),
        (Visitor(session=[20]), Pick(23, "alike"), ("similar", "p20", "Similar to p20")),
        (Visitor(session=[52]), Pick(55, "alike", is_new=True), ("new", "p52", "New, and similar to p52")),
    ],
)
def test_reasons(serving: Serving, visitor: Visitor, pick: Pick, expected: tuple[str, str | None, str]) -> None:
    reason = explain(serving, visitor, pick)
    assert (reason.code, reason.product_id, reason.text) == expected
