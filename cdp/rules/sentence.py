"""A rule in plain English, as a person would read it back. Brackets only where and, or and not would be misread."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Metric
from cdp.rules.check import require
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.tree import All, Any, Compare, Not, Rule
from cdp.rules.values import decimal_text

_LISTED = 5  # values of a list that the sentence names


def sentence(rule: Rule) -> str:
    """ "orders is at least 2 and revenue is more than 100.00". Raises RuleError for a rule that does not pass `check`."""
    require(rule)
    return _said(rule)


def _said(rule: Rule) -> str:
    match rule:
        case All((only,)) | Any((only,)):
            return _said(only)
        case All(children):
            return " and ".join(f"({_said(child)})" if _joined_by_or(child) else _said(child) for child in children)
        case Any(children):
            # The comma shows where an "and" ends: a and b, or c.
            return (", or " if any(map(_joined_by_and, children)) else " or ").join(map(_said, children))
        case Not(child):
            return f"not ({_said(child)})"
        case Compare():
            return _comparison(rule)


def _joined_by_or(rule: Rule) -> bool:
    return isinstance(_without_wrapping(rule), Any)


def _joined_by_and(rule: Rule) -> bool:
    return isinstance(_without_wrapping(rule), All)


def _without_wrapping(rule: Rule) -> Rule:
    while isinstance(rule, All | Any) and len(rule.children) == 1:
        rule = rule.children[0]
    return rule


def _comparison(leaf: Compare) -> str:
    metric, operator = METRICS[leaf.field], OPERATORS[leaf.operator]
    kind = operator.value_kind(metric.kind)
    values = [_value(value, kind) for value in leaf.values]
    if operator.values == "many":
        values = [_listed(values)]
    return f"{_name(metric)} {operator.phrase.format(*values)}"


def _name(metric: Metric) -> str:
    """The title inside a sentence: "orders in the last 30 days". An abbreviation keeps its capitals."""
    is_abbreviation = metric.title[:2].isupper()
    title = metric.title if is_abbreviation else metric.title[:1].lower() + metric.title[1:]
    return title.replace(", last ", " in the last ") if metric.window else title


def _value(value: object, kind: ValueKind) -> str:
    if kind == "days":
        return "1 day" if value == 1 else f"{value} days"
    if kind in ("money", "number") and isinstance(value, int | Decimal):
        return decimal_text(Decimal(value))
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def _listed(values: list[str]) -> str:
    rest = len(values) - _LISTED
    named = [*values[:_LISTED], *([f"{rest} more"] if rest > 0 else [])]
    return f"({', '.join(named)})"
