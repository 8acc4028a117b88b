"""The referee: what a rule means for one customer, in plain Python. Where a compiler disagrees, the compiler is wrong."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from datetime import date

from cdp.rules.check import require_valid
from cdp.rules.tree import All, Any, Compare, Not, Rule

#: (customer's value, rule's value, published day) -> whether the comparison holds. The customer's value is never missing.
Comparison = Callable[[typing.Any, typing.Any, date], bool]

TESTS: dict[str, Comparison] = {
    "eq": lambda actual, value, as_of: actual == value,
    "ne": lambda actual, value, as_of: actual != value,
    "lt": lambda actual, value, as_of: actual < value,
    "le": lambda actual, value, as_of: actual <= value,
    "gt": lambda actual, value, as_of: actual > value,
    "ge": lambda actual, value, as_of: actual >= value,
    "on": lambda actual, value, as_of: actual == value,
    "not_on": lambda actual, value, as_of: actual != value,
    "before": lambda actual, value, as_of: actual < value,
    "on_or_before": lambda actual, value, as_of: actual <= value,
    "after": lambda actual, value, as_of: actual > value,
    "on_or_after": lambda actual, value, as_of: actual >= value,
    "between": lambda actual, value, as_of: value[0] <= actual <= value[1],
    "in_last_days": lambda actual, value, as_of: 0 <= (as_of - actual).days < value,
    "more_than_days_ago": lambda actual, value, as_of: (as_of - actual).days > value,
    "in": lambda actual, value, as_of: actual in value,
    "not_in": lambda actual, value, as_of: actual not in value,
    "contains": lambda actual, value, as_of: value in actual,
    "starts_with": lambda actual, value, as_of: actual.startswith(value),
    "is_set": lambda actual, value, as_of: True,
    "is_not_set": lambda actual, value, as_of: False,
}


def matches(rule: Rule, customer: Mapping[str, object], as_of: date) -> bool:
    """Whether the customer is in the segment. A metric that is not in the mapping is missing."""
    require_valid(rule)
    return _holds(rule, customer, as_of)


def _holds(rule: Rule, customer: Mapping[str, object], as_of: date) -> bool:
    match rule:
        case All(children):
            return all(_holds(child, customer, as_of) for child in children)
        case Any(children):
            return any(_holds(child, customer, as_of) for child in children)
        case Not(child):
            return not _holds(child, customer, as_of)
        case Compare(field, operator, value):
            actual = customer.get(field)
            if actual is None:
                return operator == "is_not_set"
            return TESTS[operator](actual, value, as_of)
