"""A rule in plain English."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cdp.rules import All, Any, Compare, Not, Rule, RuleError, to_sentence

A = Compare("total_purchase", "ge", 2)
B = Compare("total_purchase_value", "gt", 100)
C = Compare("last_seen", "in_last_days", 30)


@pytest.mark.parametrize(
    ("rule", "english"),
    [
        (A, "orders is at least 2"),
        (B, "net revenue is more than 100.00"),
        (C, "last seen is in the last 30 days"),
        (Compare("last_seen", "more_than_days_ago", 1), "last seen is more than 1 day ago"),
        (Compare("last_seen", "between", (date(2019, 10, 1), date(2019, 10, 31))), "last seen is from 2019-10-01 to 2019-10-31"),
        (Compare("orders_30d", "eq", 0), "orders in the last 30 days is 0"),
        (Compare("avg_purchase_value", "between", (Decimal("1.5"), 2)), "average order is from 1.50 to 2.00"),
        (Compare("last_order", "is_not_set"), "last order has no value"),
        (Compare("rfm_group", "in", ("Champions", "Loyal")), 'RFM group is one of ("Champions", "Loyal")'),
        (Compare("abandonment_rate", "gt", Decimal("0.125")), "cart abandonment is more than 0.125"),
        (Compare("lifecycle", "eq", "at risk"), 'lifecycle is "at risk"'),
        (Compare("lifecycle", "contains", 'Ế"'), 'lifecycle contains "Ế\\""'),
        (Compare("lifecycle", "in", ("new", "lapsed")), 'lifecycle is one of ("new", "lapsed")'),
        (Compare("lifecycle", "in", ("new",) * 5), 'lifecycle is one of ("new", "new", "new", "new", "new")'),
        (Compare("lifecycle", "in", ("new",) * 6), 'lifecycle is one of ("new", "new", "new", "new", "new", 1 more)'),
        (Compare("lifecycle", "not_in", ("new",) * 8), 'lifecycle is none of ("new", "new", "new", "new", "new", 3 more)'),
    ],
)
def test_leaves(rule: Rule, english: str) -> None:
    assert to_sentence(rule) == english


def test_brackets_appear_only_where_they_are_needed() -> None:
    a, b, c = to_sentence(A), to_sentence(B), to_sentence(C)
    assert to_sentence(All((A, B, C))) == f"{a} and {b} and {c}"
    assert to_sentence(Any((A, B))) == f"{a} or {b}"
    assert to_sentence(Any((All((A, B)), C))) == f"{a} and {b}, or {c}"
    assert to_sentence(All((Any((A, B)), C))) == f"({a} or {b}) and {c}"
    assert to_sentence(All((All((A, B)), C))) == f"{a} and {b} and {c}"
    assert to_sentence(All((Any((A,)), C))) == f"{a} and {c}"
    assert to_sentence(All((All((Any((A, B)),)), C))) == f"({a} or {b}) and {c}"
    assert to_sentence(Any((All((A,)), C))) == f"{a} or {c}"
    assert to_sentence(Not(A)) == f"not ({a})"
    assert to_sentence(All((Not(Any((A, B))), C))) == f"not ({a} or {b}) and {c}"


def test_a_rule_with_a_problem_has_no_sentence() -> None:
    with pytest.raises(RuleError):
        to_sentence(Compare("views", "ge", "x"))
