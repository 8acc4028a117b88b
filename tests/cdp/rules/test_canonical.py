"""The canonical form and its hash."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from cdp.rules import (
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Not,
    Rule,
    RuleError,
    Sequence,
    Step,
    Window,
    decode,
    hash_rule,
    to_canonical,
)

A = Compare("views", "ge", 1)
B = Compare("carts", "ge", 1)
C = Compare("total_purchase_value", "ge", Decimal("12.50"))
ACME = Filter("brand", "in", ("acme", "x"))
CHEAP = Filter("price", "lt", Decimal(10))
DEAR = Filter("price", "lt", Decimal(12))
BOUGHT = Behaviour(Step("purchase", (ACME, CHEAP)), "events", "ge", 1)
THEN = Sequence(Step("cart", (ACME, CHEAP)), Step("purchase"), True, 2)


def bought(*filters: Filter) -> Rule:
    return replace(BOUGHT, step=Step("purchase", filters))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (All((A, B)), All((B, A))),
        (All((A, B)), All((A, B, A))),
        (All((A, All((B, C)))), All((All((A, B)), C))),
        (Any((A,)), A),
        (Not(Not(A)), A),
        (Not(All((Not(A),))), A),
        (Any((All((B, A)), Not(All((A, B))))), Any((Not(All((B, A))), All((A, B))))),
        (C, Compare("total_purchase_value", "ge", Decimal("12.5"))),
        (Compare("total_purchase_value", "ge", 12), Compare("total_purchase_value", "ge", Decimal("12.00"))),
        (Compare("lifecycle", "in", ("new", "lapsed")), Compare("lifecycle", "in", ("lapsed", "new", "new"))),
        (BOUGHT, bought(CHEAP, ACME)),
        (BOUGHT, bought(ACME, CHEAP, ACME)),
        (BOUGHT, bought(Filter("brand", "in", ("x", "acme", "x")), CHEAP)),
        (BOUGHT, bought(ACME, Filter("price", "lt", 10))),
        (bought(CHEAP, DEAR), bought(DEAR, Filter("price", "lt", Decimal("1E+1")))),
        (bought(DEAR, Filter("price", "gt", Decimal("-0"))), bought(Filter("price", "gt", Decimal(0)), DEAR)),
        (THEN, replace(THEN, first=Step("cart", (CHEAP, ACME)))),
        (replace(BOUGHT, measure="money", value=10), replace(BOUGHT, measure="money", value=Decimal("10.00"))),
        (Compare("views", "top_percent", 5), Compare("views", "top_percent", Decimal("5.00"))),
        (All((BOUGHT, InList(1), InSegment(1))), All((InSegment(1), BOUGHT, InList(1), bought(CHEAP, ACME)))),
    ],
)
def test_equal_rules_have_one_hash(one: Rule, other: Rule) -> None:
    assert to_canonical(one) == to_canonical(other)
    assert hash_rule(one) == hash_rule(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (All((A, B)), Any((A, B))),
        (A, Not(A)),
        (A, Compare("views", "gt", 1)),
        (All((A, Any((B, C)))), Any((All((A, B)), C))),
        (Compare("views", "between", (1, 2)), Compare("views", "between", (2, 1))),
        (Compare("lifecycle", "in", ("new",)), Compare("lifecycle", "not_in", ("new",))),
        (BOUGHT, bought(ACME)),
        (BOUGHT, replace(BOUGHT, window=Window("last_days", (7,)))),
        (replace(BOUGHT, window=Window("last_days", (7,))), replace(BOUGHT, window=Window("last_days", (8,)))),
        (BOUGHT, replace(BOUGHT, measure="quantity")),
        (bought(Filter("brand", "eq", "x")), bought(Filter("brand", "eq_any_case", "x"))),
        (bought(Filter("brand", "eq", "x")), bought(Filter("brand", "eq", "X"))),
        (THEN, replace(THEN, follows=False)),
        (THEN, replace(THEN, within_days=3)),
        (THEN, replace(THEN, same="brand")),
        (THEN, replace(THEN, first=THEN.then, then=THEN.first)),
        (InList(1), InList(2)),
        (InList(1), InSegment(1)),
    ],
)
def test_different_rules_have_different_hashes(one: Rule, other: Rule) -> None:
    assert hash_rule(one) != hash_rule(other)


def test_an_invalid_rule_has_a_canonical_form_too() -> None:
    assert hash_rule(Compare("qqq", "in", (1, "a"))) == hash_rule(Compare("qqq", "in", ("a", 1)))
    assert hash_rule(Compare("qqq", "in", (1, "1"))) == hash_rule(Compare("qqq", "in", ("1", 1)))
    assert hash_rule(Compare("qqq", "ge", "a")) != hash_rule(Compare("qqq", "ge", "b"))


def test_the_hash_never_changes() -> None:
    """Saved with segments: a change here makes every saved rule look new."""
    assert to_canonical(All((B, C))) == (
        '{"rule":{"all":[{"metric":{"field":"carts","operator":"ge","value":1}},'
        '{"metric":{"field":"total_purchase_value","operator":"ge","value":"12.50"}}]},"version":1}'
    )
    assert hash_rule(All((BOUGHT, THEN, InList(1), InSegment(2)))) == (
        "3b07cfd201df8f0a44973d08088fd752e1966182a0eb28336c06733ad6eefe36"
    )
    assert hash_rule(All((B, C))) == "f6a34f2e7a30be97e86be82d1cc62c00d95ab1b1d57cd3c011be8ca159884870"


def test_the_canonical_text_is_a_document() -> None:
    assert decode(json.loads(to_canonical(All((B, A))))) == All((B, A))


def test_a_rule_too_deep_is_refused() -> None:
    rule: Rule = A
    for _ in range(100_000):
        rule = Not(rule)
    with pytest.raises(RuleError):
        to_canonical(rule)
