"""Finds what is wrong with a rule: fields, operators, values, empty groups, size. Reports all problems at once.

A rule without a problem has exactly one meaning; interpreter and compiler refuse all other rules through `require_valid`.
"""

from __future__ import annotations

from cdp.errors import did_you_mean
from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Metric
from cdp.rules import values
from cdp.rules.errors import Problem, RuleError, abbreviate
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import Operator, list_operators
from cdp.rules.tree import MAX_DEPTH, TOO_DEEP, All, Any, Compare, Not, Rule, RuleNode, walk

MAX_LEAVES = 200
#: List values in the whole rule.
MAX_LIST_VALUES = 10_000
#: Operators that compare with a whole value: if a metric has choices, only a choice can match.
_WHOLE_VALUE_OPERATORS = ("eq", "ne", "in", "not_in")


def check(rule: Rule) -> list[Problem]:
    """Every problem of the rule in reading order. A rule that is too big has only that problem."""
    too_big = _find_size_problem(rule)
    if too_big:
        return [too_big]
    return [problem for node in walk(rule) if (problem := _find_problem(node))]


def require_valid(rule: Rule) -> None:
    """Raises RuleError with the first problem."""
    for problem in check(rule):
        raise RuleError(problem.path, problem.says)


def _find_size_problem(rule: Rule) -> Problem | None:
    """Stops at the first limit exceeded, so it is quick on a rule of any size."""
    leaves = list_values = 0
    for path, depth, node in walk(rule):
        if depth > MAX_DEPTH:
            return Problem(path, TOO_DEEP)
        leaves += _is_leaf(node)
        if leaves > MAX_LEAVES:
            return Problem("rule", f"has more than {MAX_LEAVES} conditions; split it into several segments.")
        if isinstance(node, Compare) and isinstance(node.value, tuple):
            list_values += len(node.value)
        if list_values > MAX_LIST_VALUES:
            return Problem(f"{path}.metric.value", f"exceeds the {MAX_LIST_VALUES} list values that a rule may hold.")
    return None


def _is_leaf(node: Rule) -> bool:
    """An empty group counts as a leaf: it ends a branch, and the limit must bound every tree."""
    return isinstance(node, Compare) or (isinstance(node, All | Any) and not node.children)


def _find_problem(node: RuleNode) -> Problem | None:
    match node.rule:
        case All(()):
            return Problem(f"{node.path}.all", "the group is empty; add a condition to it or remove it.")
        case Any(()):
            return Problem(f"{node.path}.any", "the group is empty; add a condition to it or remove it.")
        case Compare():
            return _find_comparison_problem(node.rule, f"{node.path}.metric")
        case All() | Any() | Not():
            return None


def _find_comparison_problem(leaf: Compare, path: str) -> Problem | None:
    """The first fault of a comparison; later faults would only be its consequences."""
    metric = METRICS.get(leaf.field)
    if metric is None:
        return Problem(f"{path}.field", f"{abbreviate(leaf.field)} is not a metric; {did_you_mean(leaf.field, METRICS)}")
    operator = OPERATORS.get(leaf.operator)
    if operator is None:
        return Problem(
            f"{path}.operator", f"{abbreviate(leaf.operator)} is not an operator; {did_you_mean(leaf.operator, OPERATORS)}"
        )
    if metric.kind not in operator.kinds:
        fitting = ", ".join(other.key for other in list_operators(metric.kind))
        return Problem(
            f"{path}.operator", f"{operator.key!r} does not go with {metric.key} ({metric.kind}); use one of {fitting}."
        )
    return _find_value_problem(leaf, metric, operator, f"{path}.value")


def _find_value_problem(leaf: Compare, metric: Metric, operator: Operator, path: str) -> Problem | None:
    fault = _find_count_fault(leaf, operator)
    if fault:
        return Problem(path, fault)
    kind = operator.value_kind(metric.kind)
    for i, value in enumerate(leaf.values):
        fault = values.find_fault(kind, value) or _find_choice_fault(value, metric, operator)
        if fault:
            return Problem(f"{path}[{i}]" if isinstance(leaf.value, tuple) else path, fault)
    if operator.values == "two" and _ends_before_it_begins(leaf):
        return Problem(path, "ends before it begins; swap the two values.")
    return None


def _find_count_fault(leaf: Compare, operator: Operator) -> str:
    is_list, count = isinstance(leaf.value, tuple), len(leaf.values)
    match operator.values:
        case "none":
            return "" if leaf.value is None else f"{operator.key!r} takes no value; leave it out."
        case "one":
            return "" if count == 1 and not is_list else f"{operator.key!r} takes exactly one value."
        case "two":
            return "" if count == 2 and is_list else f"{operator.key!r} takes a list of two values, the lower one first."
        case "many":
            return "" if count and is_list else f"{operator.key!r} takes a list of at least one value."


def _find_choice_fault(value: object, metric: Metric, operator: Operator) -> str:
    if not metric.choices or operator.key not in _WHOLE_VALUE_OPERATORS or value in metric.choices:
        return ""
    return f"{abbreviate(value)} is not a value of {metric.key}; {did_you_mean(str(value), metric.choices)}"


def _ends_before_it_begins(leaf: Compare) -> bool:
    low, high = leaf.values
    return bool(low > high)  # type: ignore[operator]
