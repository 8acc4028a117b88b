"""A rule in plain English. Brackets appear only where and, or and not would be misread."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Metric
from cdp.rules.check import require_valid
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.tree import All, Any, Compare, Not, Rule
from cdp.rules.values import decimal_text

_MAX_VALUES = 5  # values of a list that the sentence lists


def to_sentence(rule: Rule) -> str:
    """ "orders is at least 2 and revenue is more than 100.00". Raises RuleError for a rule that does not pass `check`."""
    require_valid(rule)
    return _describe(rule)


def _describe(rule: Rule) -> str:
    match rule:
        case All((only,)) | Any((only,)):
            return _describe(only)
        case All(children):
            return " and ".join(f"({_describe(child)})" if _is_any(child) else _describe(child) for child in children)
        case Any(children):
            # The comma shows where an "and" ends: a and b, or c.
            return (", or " if any(map(_is_all, children)) else " or ").join(map(_describe, children))
        case Not(child):
            return f"not ({_describe(child)})"
        case Compare():
            return _describe_comparison(rule)


def _is_any(rule: Rule) -> bool:
    return isinstance(_unwrap(rule), Any)


def _is_all(rule: Rule) -> bool:
    return isinstance(_unwrap(rule), All)


def _unwrap(rule: Rule) -> Rule:
    while isinstance(rule, All | Any) and len(rule.children) == 1:
        rule = rule.children[0]
    return rule


def _describe_comparison(leaf: Compare) -> str:
    metric, operator = METRICS[leaf.field], OPERATORS[leaf.operator]
    kind = operator.value_kind(metric.kind)
    values = [_format_value(value, kind) for value in leaf.values]
    if operator.values == "many":
        values = [_format_list(values)]
    return f"{_format_title(metric)} {operator.phrase.format(*values)}"


def _format_title(metric: Metric) -> str:
    """The title inside a sentence: "orders in the last 30 days". An abbreviation keeps its capitals."""
    is_abbreviation = metric.title[:2].isupper()
    title = metric.title if is_abbreviation else metric.title[:1].lower() + metric.title[1:]
    return title.replace(", last ", " in the last ") if metric.window else title


def _format_value(value: object, kind: ValueKind) -> str:
    if kind == "days":
        return "1 day" if value == 1 else f"{value} days"
    if kind in ("money", "number") and isinstance(value, int | Decimal):
        return decimal_text(Decimal(value))
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def _format_list(values: list[str]) -> str:
    rest = len(values) - _MAX_VALUES
    texts = [*values[:_MAX_VALUES], *([f"{rest} more"] if rest > 0 else [])]
    return f"({', '.join(texts)})"
