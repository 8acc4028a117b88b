"""The referee: what a rule means for one customer, in plain Python. Where a compiler disagrees, the compiler is wrong."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from datetime import date

from cdp.rules.check import require_valid
from cdp.rules.tree import All, Any, Compare, Not, Rule

#: (what the customer has, the value of the rule, the published day) -> does it hold. The customer's value is never missing.
Test = Callable[[typing.Any, typing.Any, date], bool]

TESTS: dict[str, Test] = {
    "eq": lambda has, value, as_of: has == value,
    "ne": lambda has, value, as_of: has != value,
    "lt": lambda has, value, as_of: has < value,
    "le": lambda has, value, as_of: has <= value,
    "gt": lambda has, value, as_of: has > value,
    "ge": lambda has, value, as_of: has >= value,
    "on": lambda has, value, as_of: has == value,
    "not_on": lambda has, value, as_of: has != value,
    "before": lambda has, value, as_of: has < value,
    "on_or_before": lambda has, value, as_of: has <= value,
    "after": lambda has, value, as_of: has > value,
    "on_or_after": lambda has, value, as_of: has >= value,
    "between": lambda has, value, as_of: value[0] <= has <= value[1],
    "in_last_days": lambda has, value, as_of: 0 <= (as_of - has).days < value,
    "more_than_days_ago": lambda has, value, as_of: (as_of - has).days > value,
    "in": lambda has, value, as_of: has in value,
    "not_in": lambda has, value, as_of: has not in value,
    "contains": lambda has, value, as_of: value in has,
    "starts_with": lambda has, value, as_of: has.startswith(value),
    "is_set": lambda has, value, as_of: True,
    "is_not_set": lambda has, value, as_of: False,
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
            has = customer.get(field)
            if has is None:
                return operator == "is_not_set"
            return TESTS[operator](has, value, as_of)
