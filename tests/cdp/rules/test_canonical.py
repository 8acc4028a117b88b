"""The canonical form and its hash."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from cdp.rules import All, Any, Compare, Not, Rule, RuleError, decode, hash_rule, to_canonical

A = Compare("views", "ge", 1)
B = Compare("carts", "ge", 1)
C = Compare("total_purchase_value", "ge", Decimal("12.50"))


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
    ],
)
def test_different_rules_have_different_hashes(one: Rule, other: Rule) -> None:
    assert hash_rule(one) != hash_rule(other)


def test_an_invalid_rule_has_a_canonical_form_too() -> None:
    assert hash_rule(Compare("qqq", "in", (1, "a"))) == hash_rule(Compare("qqq", "in", ("a", 1)))
    assert hash_rule(Compare("qqq", "ge", "a")) != hash_rule(Compare("qqq", "ge", "b"))


def test_the_hash_never_changes() -> None:
    """Saved with segments: a change here makes every saved rule look new."""
    assert to_canonical(All((B, C))) == (
        '{"rule":{"all":[{"metric":{"field":"carts","operator":"ge","value":1}},'
        '{"metric":{"field":"total_purchase_value","operator":"ge","value":"12.50"}}]},"version":1}'
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
