"""Generated customers and rules, shared by the tests that compare the meanings of a rule.

Rules and customers draw from the same small pools of nasty values, so they match often.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from cdp.metrics import BY_KEY, Kind, Metric
from cdp.rules import OPERATORS, All, Any, Compare, Not, Operator, Rule
from cdp.rules.operators import BY_KEY as BY_OPERATOR
from cdp.rules.values import find_fault

AS_OF = date(2020, 2, 29)
KINDS: tuple[Kind, ...] = ("integer", "money", "number", "date", "text")
#: Two metrics of each kind: enough to tell columns apart, and quick to generate. One text has choices, the other is free.
FIELDS = tuple(
    BY_KEY[key]
    for key in (
        "sessions", "recency_score", "total_purchase_value", "revenue_30d", "abandonment_rate", "mean_days_between_orders",
        "first_seen", "last_order", "rfm_group", "favourite_brand_by_views",
    )
)  # fmt: skip
PAIRS = [(kind, operator) for kind in KINDS for operator in OPERATORS if kind in operator.kinds]

Customer = dict[str, object]

_TEXTS = (
    "a", "A", "ab", "a b", " a", "a ", "%", "_", "a%", "a_b", "'", "''", '"', "\\", "\\'", "\\n", "`", ";--", "/*", "{}",
    "$", "${", "${env:HOME}", "$${x}", "é", "e\u0301", "ß", "ẞ", "SS", "İ", "i\u0307", "ı", "ﬁ", "日本", "Việt",
    "😀", "👩‍👧", "\u200b", "\u2028", "\ufeff", "NULL", "0",
)  # fmt: skip
_DAYS_AROUND = (-36_500, -366, -365, -31, -30, -29, -2, -1, 0, 1, 2)


def _decimals(scale: int) -> st.SearchStrategy[Decimal]:
    largest = Decimal(10**18 - 1).scaleb(-scale)
    smallest = Decimal(1).scaleb(-scale)
    pool = (Decimal(0), smallest, -smallest, Decimal(1), 1 - smallest, 1 + smallest, Decimal("12.5"), largest, -largest)
    return st.sampled_from(pool) | st.decimals(-largest, largest, places=scale, allow_nan=False)


_rule_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=5)

VALUES: dict[str, st.SearchStrategy[typing.Any]] = {
    "integer": st.sampled_from((0, 1, 2, 3, -1, 10**18 - 1, 1 - 10**18)) | st.integers(1 - 10**18, 10**18 - 1),
    "money": _decimals(2),
    "number": _decimals(6),
    "date": st.sampled_from([AS_OF + timedelta(days=n) for n in _DAYS_AROUND]) | st.dates(),
    "text": st.sampled_from(_TEXTS) | _rule_text,
    "days": st.sampled_from((1, 2, 3, 29, 30, 31, 365, 366, 36_500)) | st.integers(1, 36_500),
}
#: A customer may have texts that no rule may hold: the empty one, and control characters.
_customer_text = VALUES["text"] | st.just("") | st.text(st.characters(codec="utf-8"), max_size=5)


def customers() -> st.SearchStrategy[list[Customer]]:
    """Up to six customers over FIELDS; any value may be missing."""
    return st.lists(st.fixed_dictionaries({metric.key: _metric_values(metric) for metric in FIELDS}), min_size=1, max_size=6)


def _metric_values(metric: Metric) -> st.SearchStrategy[typing.Any]:
    if metric.choices:
        return st.none() | st.sampled_from(metric.choices)
    return st.none() | (_customer_text if metric.kind == "text" else VALUES[metric.kind])


def leaves(kind: Kind, operator: Operator) -> st.SearchStrategy[Compare]:
    """Valid comparisons of one kind with one operator."""
    return st.sampled_from([m for m in FIELDS if m.kind == kind]).flatmap(
        lambda metric: _rule_values(metric, operator).map(lambda value: Compare(metric.key, operator.key, value))
    )


def _rule_values(metric: Metric, operator: Operator) -> st.SearchStrategy[typing.Any]:
    one = VALUES[operator.value_kind(metric.kind)]
    if metric.choices and operator.key in ("eq", "ne", "in", "not_in"):
        one = st.sampled_from(metric.choices)
    shapes: dict[str, Callable[[], st.SearchStrategy[typing.Any]]] = {
        "none": st.none,
        "one": lambda: one,
        "two": lambda: st.tuples(one, one).map(sorted).map(tuple),
        "many": lambda: st.lists(one, min_size=1, max_size=4).map(tuple),
    }
    return shapes[operator.values]()


def build_edge_customers(leaf: Compare) -> list[Customer]:
    """Customers with exactly the values of a comparison, and with the values right beside them."""
    metric = BY_KEY[leaf.field]
    kind = BY_OPERATOR[leaf.operator].value_kind(metric.kind)
    values = [neighbour for value in leaf.values for neighbour in _NEIGHBOURS[kind](value)]
    return [{metric.key: value} for value in values if metric.kind == "text" or not find_fault(metric.kind, value)]


def _decimals_beside(step: str) -> Callable[[typing.Any], list[object]]:
    return lambda value: [value - Decimal(step), value, value + Decimal(step)]


def _days_beside(day: date) -> list[object]:
    """The day and its neighbours, within the first and last day of the calendar."""
    offsets = [n for n in (-1, 0, 1) if date.min.toordinal() <= day.toordinal() + n <= date.max.toordinal()]
    return [day + timedelta(days=n) for n in offsets]


_NEIGHBOURS: dict[str, Callable[[typing.Any], list[object]]] = {
    "integer": lambda value: [value - 1, value, value + 1],
    "money": _decimals_beside("0.01"),
    "number": _decimals_beside("0.000001"),
    "date": _days_beside,
    "text": lambda value: [value, f"{value}x", f"x{value}", value[1:], value.swapcase()],
    "days": lambda value: [*_days_beside(AS_OF), *_days_beside(AS_OF - timedelta(days=value))],
}


def any_leaf() -> st.SearchStrategy[Compare]:
    return st.sampled_from(PAIRS).flatmap(lambda pair: leaves(*pair))


def rules() -> st.SearchStrategy[Rule]:
    """Valid trees of a few leaves."""
    return st.recursive(any_leaf(), _one_level_more, max_leaves=6)


def _one_level_more(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    children = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return children.map(All) | children.map(Any) | inner.map(Not)
