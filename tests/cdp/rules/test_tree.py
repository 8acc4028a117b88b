"""The walk over a rule and its depth limit."""

from __future__ import annotations

import pytest

from cdp.rules import MAX_DEPTH, All, Any, Compare, Not, Rule, RuleError, walk
from cdp.rules.tree import refuse_too_deep

LEAF = Compare("views", "ge", 1)


def nested(levels: int) -> Rule:
    """A rule with this many levels, including the leaf."""
    rule: Rule = LEAF
    for _ in range(levels - 1):
        rule = Not(rule)
    return rule


def test_walk_gives_every_node_in_reading_order_with_its_path() -> None:
    rule = All((LEAF, Any((Not(LEAF), LEAF))))
    assert [(place.path, place.depth) for place in walk(rule)] == [
        ("rule", 1),
        ("rule.all[0]", 2),
        ("rule.all[1]", 2),
        ("rule.all[1].any[0]", 3),
        ("rule.all[1].any[0].not", 4),
        ("rule.all[1].any[1]", 3),
    ]


def test_the_deepest_rule_allowed_passes_and_one_level_more_is_refused() -> None:
    refuse_too_deep(nested(MAX_DEPTH))
    with pytest.raises(RuleError, match="nested deeper than 20 levels"):
        refuse_too_deep(nested(MAX_DEPTH + 1))


def test_a_very_deep_rule_is_refused_without_recursion() -> None:
    with pytest.raises(RuleError):
        refuse_too_deep(nested(100_000))
