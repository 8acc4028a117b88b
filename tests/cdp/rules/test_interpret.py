"""The meaning of a rule for one customer, by examples of the contract."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from cdp.rules import All, Any, Compare, Facts, Not, RuleError, Value, matches

AS_OF = date(2019, 10, 31)
ANNA: dict[str, object] = {
    "views": 3,
    "total_purchase_value": Decimal("100.00"),
    "last_seen": date(2019, 10, 1),
    "last_order": None,
    "lifecycle": "at risk",
}


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("views", "eq", 3, True), ("views", "eq", 4, False), ("views", "ne", 4, True), ("views", "ne", 3, False),
        ("views", "lt", 3, False), ("views", "lt", 4, True), ("views", "le", 3, True), ("views", "le", 2, False),
        ("views", "gt", 3, False), ("views", "gt", 2, True), ("views", "ge", 3, True), ("views", "ge", 4, False),
        ("views", "between", (3, 3), True), ("views", "between", (1, 2), False), ("views", "between", (4, 9), False),
        ("total_purchase_value", "eq", 100, True), ("total_purchase_value", "gt", Decimal("99.99"), True),
        ("last_seen", "on", date(2019, 10, 1), True), ("last_seen", "not_on", date(2019, 10, 1), False),
        ("last_seen", "before", date(2019, 10, 1), False), ("last_seen", "on_or_before", date(2019, 10, 1), True),
        ("last_seen", "after", date(2019, 10, 1), False), ("last_seen", "on_or_after", date(2019, 10, 1), True),
        ("last_seen", "between", (date(2019, 10, 1), date(2019, 10, 1)), True),
        ("lifecycle", "eq", "at risk", True), ("lifecycle", "ne", "at risk", False),
        ("lifecycle", "in", ("new", "at risk"), True),
        ("lifecycle", "not_in", ("new", "at risk"), False), ("lifecycle", "not_in", ("new",), True),
        ("lifecycle", "contains", "t r", True), ("lifecycle", "contains", "Risk", False), ("lifecycle", "contains", "%", False),
        ("lifecycle", "starts_with", "at", True), ("lifecycle", "starts_with", "risk", False),
        ("lifecycle", "starts_with", "At", False),
        ("views", "is_set", None, True), ("views", "is_not_set", None, False),
    ],
)  # fmt: skip
def test_each_operator(field: str, operator: str, value: Value, expected: bool) -> None:
    assert matches(Compare(field, operator, value), Facts(AS_OF, ANNA)) is expected


@pytest.mark.parametrize(
    ("days_ago", "in_last_30", "more_than_30"),
    [(-1, False, False), (0, True, False), (29, True, False), (30, False, False), (31, False, True)],
)
def test_the_published_day_is_the_first_of_the_last_days(days_ago: int, in_last_30: bool, more_than_30: bool) -> None:
    customer = {"last_seen": AS_OF - timedelta(days=days_ago)}
    assert matches(Compare("last_seen", "in_last_days", 30), Facts(AS_OF, customer)) is in_last_30
    assert matches(Compare("last_seen", "more_than_days_ago", 30), Facts(AS_OF, customer)) is more_than_30


@pytest.mark.parametrize("customer", [ANNA, {}])
@pytest.mark.parametrize(
    ("operator", "value"),
    [("on", AS_OF), ("not_on", AS_OF), ("before", AS_OF), ("in_last_days", 30), ("more_than_days_ago", 30), ("is_set", None)],
)
def test_a_comparison_with_a_missing_value_is_false_and_its_complement_true(
    operator: str, value: Value, customer: dict[str, object]
) -> None:
    leaf = Compare("last_order", operator, value)
    assert not matches(leaf, Facts(AS_OF, customer))
    assert matches(Not(leaf), Facts(AS_OF, customer))


def test_negative_text_operators_are_false_for_a_missing_value_too() -> None:
    assert not matches(Compare("lifecycle", "ne", "new"), Facts(AS_OF, {}))
    assert not matches(Compare("lifecycle", "not_in", ("new",)), Facts(AS_OF, {}))


def test_is_not_set_is_true_for_a_missing_value() -> None:
    assert matches(Compare("last_order", "is_not_set"), Facts(AS_OF, ANNA))


def test_groups() -> None:
    yes, no = Compare("views", "eq", 3), Compare("views", "eq", 4)
    assert matches(All((yes, yes)), Facts(AS_OF, ANNA))
    assert not matches(All((yes, no)), Facts(AS_OF, ANNA))
    assert matches(Any((no, yes)), Facts(AS_OF, ANNA))
    assert not matches(Any((no, no)), Facts(AS_OF, ANNA))


def test_within_groups_and_complements_days_count_from_the_published_one() -> None:
    lately = Compare("last_seen", "in_last_days", 31)
    for rule in (All((lately,)), Any((lately,)), Not(Not(lately))):
        assert matches(rule, Facts(AS_OF, ANNA))
        assert not matches(rule, Facts(AS_OF + timedelta(days=1), ANNA))


def test_a_rule_with_a_problem_has_no_meaning() -> None:
    with pytest.raises(RuleError, match="did you mean 'views'"):
        matches(Compare("viws", "is_not_set"), Facts(AS_OF, ANNA))
