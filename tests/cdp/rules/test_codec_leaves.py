"""Behaviours, sequences, segments and lists from and to JSON documents."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cdp.rules import Behaviour, Filter, InList, InSegment, Rule, RuleError, Sequence, Step, Window, check, decode, encode

BOUGHT = Behaviour(Step("purchase"), "events", "ge", 1)
CART_THEN_PURCHASE: dict[str, Any] = {"first": {"event": "cart"}, "then": {"event": "purchase"}, "within_days": 2}


def read(leaf: object) -> Rule:
    return decode({"version": 1, "rule": leaf})


def behaviour(**more: object) -> dict[str, object]:
    return {"behaviour": {"event": "purchase", "measure": "events", "operator": "ge", "value": 1, **more}}


def did(**more: object) -> dict[str, object]:
    return {"behaviour": {"event": "purchase", **more}}


def sequence(**more: object) -> dict[str, object]:
    return {"sequence": {**CART_THEN_PURCHASE, **more}}


@pytest.mark.parametrize(
    ("leaf", "rule"),
    [
        (behaviour(), BOUGHT),
        (
            behaviour(
                event="cart",
                where=[
                    {"field": "brand", "operator": "in_any_case", "value": ["acme", "été"]},
                    {"field": "price", "operator": "between", "value": ["9.99", "10.00"]},
                    {"field": "weekday", "operator": "ge", "value": 6},
                    {"field": "category_1", "operator": "is_not_set"},
                ],
                window={"last_days": 7},
            ),
            Behaviour(
                Step(
                    "cart",
                    (
                        Filter("brand", "in_any_case", ("acme", "été")),
                        Filter("price", "between", (Decimal("9.99"), Decimal(10))),
                        Filter("weekday", "ge", 6),
                        Filter("category_1", "is_not_set"),
                    ),
                ),
                "events",
                "ge",
                1,
                Window("last_days", (7,)),
            ),
        ),
        (behaviour(measure="money", value="100.00"), Behaviour(Step("purchase"), "money", "ge", Decimal(100))),
        (
            behaviour(measure="first_day", operator="on_or_after", value="2019-10-01"),
            Behaviour(Step("purchase"), "first_day", "on_or_after", date(2019, 10, 1)),
        ),
        (behaviour(measure="last_day", operator="in_last_days"), Behaviour(Step("purchase"), "last_day", "in_last_days", 1)),
        (
            behaviour(measure="share_of_money", value="33.33", where=[{"field": "hour", "operator": "lt", "value": 12}]),
            Behaviour(Step("purchase", (Filter("hour", "lt", 12),)), "share_of_money", "ge", Decimal("33.33")),
        ),
        (behaviour(window="this_month"), Behaviour(Step("purchase"), "events", "ge", 1, Window("this_month"))),
        (behaviour(window={"days_ago": [0, 7]}), Behaviour(Step("purchase"), "events", "ge", 1, Window("days_ago", (0, 7)))),
        (
            behaviour(window={"between": ["2019-10-01", "2019-10-31"]}),
            Behaviour(Step("purchase"), "events", "ge", 1, Window("between", (date(2019, 10, 1), date(2019, 10, 31)))),
        ),
        (sequence(follows=True), Sequence(Step("cart"), Step("purchase"), True, 2)),
        (
            sequence(
                then={"event": "any", "where": [{"field": "brand", "operator": "eq", "value": "acme"}]},
                follows=False,
                same="product_id",
                window="last_week",
            ),
            Sequence(Step("cart"), Step("any", (Filter("brand", "eq", "acme"),)), False, 2, "product_id", Window("last_week")),
        ),
        ({"segment": {"id": 7}}, InSegment(7)),
        ({"list": {"id": 3}}, InList(3)),
    ],
)
def test_a_leaf_is_read_and_written_again(leaf: dict[str, object], rule: Rule) -> None:
    assert read(leaf) == rule
    assert check(rule) == []
    assert json.loads(json.dumps(encode(rule)))["rule"] == leaf


@pytest.mark.parametrize(
    ("leaf", "rule"),
    [
        (did(did=True), BOUGHT),
        (did(did=False), Behaviour(Step("purchase"), "events", "eq", 0)),
        (did(operator="ge", value=1), BOUGHT),
        (behaviour(where=[]), BOUGHT),
        (behaviour(window=None), BOUGHT),
        (behaviour(window="ever"), BOUGHT),
        (behaviour(window={"ever": []}), BOUGHT),
        (behaviour(window={"this_month": []}), Behaviour(Step("purchase"), "events", "ge", 1, Window("this_month"))),
        (behaviour(window={"last_days": [7]}), Behaviour(Step("purchase"), "events", "ge", 1, Window("last_days", (7,)))),
        (behaviour(measure="money", value=12.5), Behaviour(Step("purchase"), "money", "ge", Decimal("12.5"))),
        (sequence(), Sequence(Step("cart"), Step("purchase"), True, 2)),
        (sequence(same=None), Sequence(Step("cart"), Step("purchase"), True, 2)),
    ],
)
def test_another_spelling_is_read_as_the_same_rule(leaf: object, rule: Rule) -> None:
    assert read(leaf) == rule


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        ({"behaviour": []}, "behaviour"),
        ({"behaviour": {}}, "behaviour"),
        (did(did=True, wher=[]), "behaviour"),
        (behaviour(event=1), "behaviour.event"),
        (did(), "behaviour.operator"),
        (did(did=1), "behaviour.did"),
        (did(did="true"), "behaviour.did"),
        (did(did=True, measure="events"), "behaviour.measure"),
        (did(did=True, operator="ge"), "behaviour.operator"),
        (did(did=True, value=None), "behaviour.value"),
        (behaviour(measure=None), "behaviour.measure"),
        (behaviour(operator=["ge"]), "behaviour.operator"),
        (behaviour(value=True), "behaviour.value"),
        (behaviour(value=[1, {}]), "behaviour.value[1]"),
        (behaviour(value=float("inf")), "behaviour.value"),
        (behaviour(where={}), "behaviour.where"),
        (behaviour(where=None), "behaviour.where"),
        (behaviour(where=[[]]), "behaviour.where[0]"),
        (behaviour(where=[{"field": "brand", "operator": "is_set"}, {"field": "brand"}]), "behaviour.where[1]"),
        (behaviour(where=[{"field": 5, "operator": "eq"}]), "behaviour.where[0].field"),
        (behaviour(where=[{"field": "brand", "operator": None}]), "behaviour.where[0].operator"),
        (behaviour(where=[{"field": "brand", "operator": "in", "value": ["a", ["b"]]}]), "behaviour.where[0].value[1]"),
        (behaviour(window=7), "behaviour.window"),
        (behaviour(window=[]), "behaviour.window"),
        (behaviour(window={}), "behaviour.window"),
        (behaviour(window={"last_days": 7, "ever": []}), "behaviour.window"),
        (behaviour(window={"last_days": "7"}), "behaviour.window.last_days"),
        (behaviour(window={"last_days": 7.5}), "behaviour.window.last_days"),
        (behaviour(window={"last_days": True}), "behaviour.window.last_days"),
        (behaviour(window={"last_days": None}), "behaviour.window.last_days"),
        (behaviour(window={"last_days": {}}), "behaviour.window.last_days"),
        (behaviour(window={"between": ["2019-02-29", "2019-03-01"]}), "behaviour.window.between"),
        (behaviour(window={"between": [["2019-03-01"]]}), "behaviour.window.between"),
        ({"sequence": CART_THEN_PURCHASE["first"]}, "sequence"),
        (sequence(last={}), "sequence"),
        (sequence(first="cart"), "sequence.first"),
        (sequence(then={"event": "purchase", "measure": "events"}), "sequence.then"),
        (sequence(then={"event": None}), "sequence.then.event"),
        (sequence(first={"event": "cart", "where": [{}]}), "sequence.first.where[0]"),
        (sequence(follows=0), "sequence.follows"),
        (sequence(follows=None), "sequence.follows"),
        (sequence(within_days="2"), "sequence.within_days"),
        (sequence(within_days=True), "sequence.within_days"),
        (sequence(within_days=2.0), "sequence.within_days"),
        (sequence(same=0), "sequence.same"),
        (sequence(same=["brand"]), "sequence.same"),
        ({"segment": 7}, "segment"),
        ({"segment": {}}, "segment"),
        ({"segment": {"id": "7"}}, "segment.id"),
        ({"segment": {"id": True}}, "segment.id"),
        ({"list": {"id": 7.0}}, "list.id"),
        ({"list": {"id": 7, "name": "x"}}, "list"),
    ],
)
def test_a_wrong_shape_is_refused_with_its_path(leaf: object, path: str) -> None:
    with pytest.raises(RuleError) as caught:
        decode({"version": 1, "rule": {"all": [{"not": leaf}]}})
    assert caught.value.path == f"rule.all[0].not.{path}"


@pytest.mark.parametrize("window", ["last_dayz", {"last_dayz": 7}, {"last_dayz": {}}])
def test_an_unknown_window_is_left_to_check(window: object) -> None:
    problems = check(read(behaviour(window=window)))
    assert [problem.path for problem in problems] == ["rule.behaviour.window"]
    assert "'last_days'" in problems[0].says
