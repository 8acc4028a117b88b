"""Conditions on recommendations: what they hold for, what is wrong with them, and what they are in words and in documents."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cdp.recommend.online import LISTED
from cdp.rules import (
    Facts,
    InSegment,
    Names,
    Not,
    Recommendation,
    Recommended,
    check,
    decode,
    encode,
    hash_rule,
    matches,
    to_sentence,
)
from cdp.rules.cost import Volume, estimate
from cdp.rules.difference import find_difference
from cdp.rules.forecast import forecast_leaving
from cdp.rules.names import RECOMMENDED_CATEGORY
from cdp.rules.recommended import CATEGORY, MAX_PLACES, PRODUCT, TOP_CATEGORY, find_recommended

DAY = date(2019, 11, 30)
AUDIO, PHONE = "electronics.audio", "electronics.smartphone"
LIST = [
    Recommendation(1, "p1", PHONE), Recommendation(2, "p2", AUDIO), Recommendation(3, "p3", f"{AUDIO}.headphone"),
    Recommendation(4, "p4", AUDIO), Recommendation(5, "p5"),
]  # fmt: skip
FACTS = Facts(DAY, {}, recommendations=LIST)


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (Recommended(PRODUCT, ("p9", "p4")), True),
        (Recommended(PRODUCT, ("p4",), 3), False),
        (Recommended(PRODUCT, ("P4",)), False),
        (Recommended(CATEGORY, ("electronics",), 1), True),
        (Recommended(CATEGORY, ("electron",)), False),
        (Recommended(CATEGORY, (f"{AUDIO}.headphone",), 2), False),
        (Recommended(TOP_CATEGORY, (AUDIO,)), True),
        (Recommended(TOP_CATEGORY, ("electronics",)), True),
        (Recommended(TOP_CATEGORY, (PHONE,), 2), True),
    ],
)
def test_what_it_holds_for(leaf: Recommended, expected: bool) -> None:
    assert matches(leaf, FACTS) is expected
    assert matches(leaf, Facts(DAY, {})) is False


def test_the_place_of_a_product_may_come_after_those_that_count() -> None:
    assert find_recommended(Recommended(PRODUCT, ("p4",), 1), LIST) == 4
    assert find_recommended(Recommended(TOP_CATEGORY, (PHONE,), 1), LIST) == PHONE
    assert find_recommended(Recommended(TOP_CATEGORY, (PHONE,)), LIST[4:]) is None


@pytest.mark.parametrize(
    ("leaf", "path", "says"),
    [
        (Recommended("brand", ("x",)), "rule.recommended.what", "can't be recommended"),
        (Recommended(PRODUCT, ()), "rule.recommended.values", "name at least one"),
        (Recommended(PRODUCT, ("a", "b\x00")), "rule.recommended.values[1]", "control character"),
        (Recommended(PRODUCT, ("a",), 0), "rule.recommended.places", "from 1 to 100"),
        (Recommended(PRODUCT, ("a",), 101), "rule.recommended.places", "from 1 to 100"),
        (Recommended(PRODUCT, tuple(map(str, range(10_001)))), "rule", "exceeds the 10000 list values"),
    ],
)
def test_what_is_wrong_is_named(leaf: Recommended, path: str, says: str) -> None:
    (problem,) = check(leaf)
    assert (problem.path, says in problem.says) == (path, True), problem


def test_lists_have_as_many_places_as_a_rule_may_ask_for() -> None:
    assert MAX_PLACES == LISTED


def test_a_document_is_read_back_and_may_leave_the_places_out() -> None:
    leaf = Recommended(CATEGORY, (AUDIO, PHONE), 3)
    assert decode(encode(leaf)) == leaf
    document: Any = {"version": 1, "rule": {"recommended": {"what": "category", "values": [AUDIO]}}}
    assert decode(document) == Recommended(CATEGORY, (AUDIO,), 10)


def test_order_and_repetition_of_values_have_no_meaning() -> None:
    assert hash_rule(Recommended(PRODUCT, ("b", "a", "b"))) == hash_rule(Recommended(PRODUCT, ("a", "b")))
    assert hash_rule(Recommended(PRODUCT, ("a",), 3)) != hash_rule(Recommended(PRODUCT, ("a",)))


def test_another_number_of_places_is_a_change() -> None:
    before, after = Recommended(PRODUCT, ("a",), 3), Recommended(PRODUCT, ("a",), 5)
    assert find_difference(before, after).changed == [(before, after)]


@pytest.mark.parametrize(
    ("leaf", "english", "vietnamese"),
    [
        (Recommended(PRODUCT, ("p1",), 1), 'gets "Ear 1" (p1) recommended in the first place',
         'được gợi ý "Ear 1" (p1) ở vị trí đầu tiên'),
        (Recommended(CATEGORY, (AUDIO, "x"), 5), 'gets a product of one of ("Audio", "x") recommended in the first 5 places',
         'được gợi ý sản phẩm thuộc một trong ("Audio", "x") trong 5 vị trí đầu'),
        (Not(Recommended(TOP_CATEGORY, (AUDIO,))), 'does not get mostly products of "Audio" recommended in the first 10 places',
         'không được gợi ý chủ yếu sản phẩm thuộc "Audio" trong 10 vị trí đầu'),
    ],
)  # fmt: skip
def test_sentences(leaf: Any, english: str, vietnamese: str) -> None:
    names = Names(products={"p1": "Ear 1"}, categories={RECOMMENDED_CATEGORY: {AUDIO: "Audio"}})
    assert to_sentence(leaf, names) == english
    assert to_sentence(leaf, names, "vi") == vietnamese


def test_it_costs_the_places_that_it_reads() -> None:
    volume = Volume(DAY, 1000, lambda event, first, last: 0)
    costs = [estimate(leaf, volume)[0].rows for leaf in (Recommended(PRODUCT, ("a",), 5), Recommended(TOP_CATEGORY, ("a",), 5))]
    assert costs == [5000, 15_000]


def test_nobody_knows_when_a_member_leaves() -> None:
    leaf = Recommended(PRODUCT, ("p1",))
    for rule in (leaf, InSegment(7)):
        forecast = forecast_leaving(rule, Facts(DAY, {}, segments={7: leaf}, recommendations=LIST))
        assert (forecast.day, forecast.needs_recommendations) == (None, True)
