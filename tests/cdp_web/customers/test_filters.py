from __future__ import annotations

import pytest
from django.http import QueryDict

from cdp.rules import All, Compare, Names, check
from cdp_web.customers.filters import (
    QUICK_FILTERS,
    add_condition,
    build_chips,
    list_conditions,
    read_condition,
    remove_condition,
)
from cdp_web.customers.listing import CustomerQuery, parse_query
from cdp_web.segments.rules import RuleInvalid

ACTIVE, LAPSED = Compare("lifecycle", "eq", "active"), Compare("lifecycle", "eq", "lapsed")
BUYER = Compare("total_purchase", "ge", 1)


def test_another_value_replaces_the_one_before() -> None:
    assert add_condition(None, ACTIVE) == All((ACTIVE,))
    assert add_condition(All((ACTIVE, BUYER)), LAPSED) == All((BUYER, LAPSED))
    assert add_condition(BUYER, ACTIVE) == All((BUYER, ACTIVE))


def test_conditions_are_removed_one_by_one() -> None:
    rule = All((ACTIVE, BUYER))
    assert remove_condition(rule, 0) == All((BUYER,))
    assert remove_condition(All((BUYER,)), 0) is None
    assert list_conditions(BUYER) == (BUYER,)


def test_each_chip_leads_to_the_list_without_its_condition() -> None:
    query = CustomerQuery(search="5", rule=All((ACTIVE, BUYER)))
    rests = [parse_query(QueryDict(chip.remove_link[1:])) for chip in build_chips(query, Names())]
    assert [(rest.search, rest.rule) for rest in rests] == [("5", All((BUYER,))), ("5", All((ACTIVE,)))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("add=last_seen&operator=in_last_days&value=7", Compare("last_seen", "in_last_days", 7)),
        ("add=favourite_brand_by_views&operator=eq&value=acme", Compare("favourite_brand_by_views", "eq", "acme")),
        ("add=&operator=eq&value=acme", None),
        ("", None),
    ],
)
def test_condition_of_a_menu(text: str, expected: Compare | None) -> None:
    assert read_condition(QueryDict(text)) == expected


@pytest.mark.parametrize(
    "text", ["add=secret&operator=eq&value=1", "add=views&operator=ge&value=many", "add=views&operator=like&value=1"]
)
def test_invalid_condition_of_a_menu_is_refused(text: str) -> None:
    with pytest.raises(RuleInvalid):
        read_condition(QueryDict(text))


def test_every_quick_filter_makes_a_valid_rule() -> None:
    samples = {"text": "acme", "money": "12.50", "date": "7"}
    for quick in QUICK_FILTERS:
        for operator, _ in quick.operators:
            value = quick.choices[0] if quick.choices else samples[quick.metric.kind]
            parameters = QueryDict(mutable=True)
            parameters.update({"add": quick.metric.key, "operator": operator, "value": value})
            condition = read_condition(parameters)
            assert condition is not None
            assert check(condition) == []
