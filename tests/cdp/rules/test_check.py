"""The problems that check finds in a rule."""

from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal

import pytest

from cdp.rules import (
    MAX_DEPTH,
    MAX_LEAVES,
    MAX_LIST_VALUES,
    All,
    Any,
    Compare,
    Not,
    Problem,
    Rule,
    RuleError,
    check,
    require_valid,
)
from cdp.rules.tree import TOO_DEEP

GOOD = Compare("views", "ge", 1)


@pytest.mark.parametrize(
    "rule",
    [
        GOOD,
        Compare("total_purchase_value", "between", (Decimal("1.50"), Decimal("1.50"))),
        Compare("total_purchase_value", "gt", 100),
        Compare("last_seen", "between", (date(2019, 10, 1), date(2019, 10, 31))),
        Compare("last_seen", "more_than_days_ago", 30),
        Compare("lifecycle", "in", ("new", "at risk")),
        Compare("lifecycle", "starts_with", "at"),
        Compare("last_order", "is_not_set"),
        Any((Not(GOOD), All((GOOD,)))),
    ],
)
def test_a_good_rule_has_no_problem(rule: Rule) -> None:
    assert check(rule) == []
    require_valid(rule)


@pytest.mark.parametrize(
    ("leaf", "part", "says"),
    [
        (Compare("totl_purchase", "ge", 1), "field", "did you mean 'total_purchase'?"),
        (Compare("qqq", "ge", 1), "field", "choose one of lifecycle, rfm_group"),
        (Compare("views", "betwen", 1), "operator", "'betwen' is not an operator; did you mean 'between'?"),
        (Compare("views", "contains", "1"), "operator", "does not go with views (integer); use one of eq, ne"),
        (Compare("lifecycle", "ge", "new"), "operator", "does not go with lifecycle (text)"),
        (Compare("last_seen", "ge", date(2019, 1, 1)), "operator", "use one of on, not_on"),
        (Compare("views", "ge", "2"), "value", "needs a whole number"),
        (Compare("views", "ge", Decimal("2.5")), "value", "needs a whole number such as 3, not 2.5"),
        (Compare("total_purchase_value", "ge", "abc"), "value", "needs a number such as 12.50, not 'abc'"),
        (Compare("last_seen", "on", "31.10.2019"), "value", "needs a day such as 2019-10-31"),
        (Compare("last_seen", "in_last_days", date(2019, 1, 1)), "value", "needs a number of days"),
        (Compare("lifecycle", "eq", "actve"), "value", "'actve' is not a value of lifecycle; did you mean 'active'?"),
        (Compare("lifecycle", "in", ("new", "x")), "value[1]", "is not a value of lifecycle"),
        (Compare("views", "ge"), "value", "takes exactly one value"),
        (Compare("views", "ge", (1,)), "value", "takes exactly one value"),
        (Compare("views", "is_set", 1), "value", "takes no value"),
        (Compare("views", "between", 1), "value", "takes a list of two values"),
        (Compare("views", "between", (1, 2, 3)), "value", "takes a list of two values"),
        (Compare("views", "between", (1, "2")), "value[1]", "needs a whole number"),
        (Compare("views", "between", (2, 1)), "value", "ends before it begins"),
        (Compare("last_seen", "between", (date(2020, 1, 1), date(2019, 1, 1))), "value", "ends before it begins"),
        (Compare("lifecycle", "in", ()), "value", "at least one value"),
        (Compare("lifecycle", "in", "new"), "value", "takes a list"),
    ],
)
def test_a_wrong_leaf_has_one_problem_with_its_path(leaf: Compare, part: str, says: str) -> None:
    problems = check(All((GOOD, Not(leaf))))
    assert [problem.path for problem in problems] == [f"rule.all[1].not.metric.{part}"]
    assert says in problems[0].says


def test_all_problems_are_found_at_once() -> None:
    paths = [problem.path for problem in check(All((Compare("viws", "ge", 1), GOOD, Any(()), Compare("views", "ge", "x"))))]
    assert paths == ["rule.all[0].metric.field", "rule.all[2].any", "rule.all[3].metric.value"]


@pytest.mark.parametrize(("group", "path"), [(All(()), "rule.all"), (Any(()), "rule.any")])
def test_an_empty_group_is_a_problem(group: Rule, path: str) -> None:
    assert check(group) == [Problem(path, "the group is empty; add a condition to it or remove it.")]


def test_a_reversed_range_is_reported_with_its_remedy() -> None:
    says = "ends before it begins; swap the two values."
    assert check(Compare("views", "between", (2, 1))) == [Problem("rule.metric.value", says)]


def test_depth_is_limited() -> None:
    rule: Rule = GOOD
    for _ in range(MAX_DEPTH - 1):
        rule = Not(rule)
    assert check(rule) == []
    assert check(Not(rule)) == [Problem("rule" + ".not" * MAX_DEPTH, TOO_DEEP)]
    for _ in range(100_000):
        rule = All((rule,))
    assert len(check(rule)) == 1


def test_leaves_are_limited_and_empty_groups_count() -> None:
    assert check(Any((GOOD,) * MAX_LEAVES)) == []
    for child in (GOOD, Compare("viws", "ge", 1), All(())):
        assert check(Any((child,) * (MAX_LEAVES + 1))) == [
            Problem("rule", "has more than 200 conditions; split it into several segments.")
        ]


def test_list_values_are_limited_over_the_whole_rule() -> None:
    half = Compare("lifecycle", "in", ("new",) * (MAX_LIST_VALUES // 2))
    assert check(All((half, half))) == []
    problems = check(All((half, half, Compare("lifecycle", "in", ("new",)))))
    assert problems == [Problem("rule.all[2]", "exceeds the 10000 list values that a rule may hold; upload a list instead.")]


def test_require_valid_raises_the_first_problem() -> None:
    with pytest.raises(RuleError, match=r"^rule\.all\[0\]\.metric\.field: 'viws' is not a metric; did you mean 'views'\?$"):
        require_valid(All((Compare("viws", "ge", 1), Any(()))))


def test_the_error_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(RuleError("rule", "is wrong.")))
    assert (error.path, error.says, str(error)) == ("rule", "is wrong.", "rule: is wrong.")
