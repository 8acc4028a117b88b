"""What differs between two rules."""

from __future__ import annotations

from typing import Any

from cdp.rules import decode, to_sentence
from cdp.rules.difference import RuleDifference, find_difference


def is_(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"metric": {"field": field, "operator": operator, "value": value}}


def compare(before: dict[str, Any], after: dict[str, Any]) -> RuleDifference:
    return find_difference(*(decode({"version": 1, "rule": node}) for node in (before, after)))


VIEWS, ORDERS = is_("views", "ge", 2), is_("total_purchase", "ge", 1)


def test_conditions_that_one_rule_has_alone() -> None:
    result = compare({"all": [VIEWS, ORDERS]}, {"all": [ORDERS, {"list": {"id": 3}}]})
    assert [to_sentence(each) for each in result.removed] == ["product views is at least 2"]
    assert [to_sentence(each) for each in result.added] == ['is in the list "#3"']
    assert (result.changed, result.is_regrouped) == ([], False)


def test_conditions_about_the_same_thing_are_changed() -> None:
    result = compare({"all": [VIEWS, ORDERS]}, {"all": [is_("views", "ge", 5), {"not": ORDERS}]})
    assert (result.added, result.removed) == ([], [])
    assert [tuple(map(to_sentence, pair)) for pair in result.changed] == [
        ("product views is at least 2", "product views is at least 5"),
        ("orders is at least 1", "not (orders is at least 1)"),
    ]


def test_the_same_conditions_grouped_in_another_way() -> None:
    result = compare({"all": [VIEWS, ORDERS]}, {"any": [VIEWS, ORDERS]})
    assert (result.added, result.removed, result.changed, result.is_regrouped) == ([], [], [], True)


def test_equal_rules_have_no_difference() -> None:
    result = compare({"all": [VIEWS, ORDERS]}, {"all": [ORDERS, {"all": [VIEWS, ORDERS]}]})
    assert (result.added, result.removed, result.changed, result.is_regrouped) == ([], [], [], False)
