"""What is wrong with a rule: fields, operators, values, empty groups, size. All of it at once, for the person who builds it.

A rule without a problem has one meaning; interpreter and compilers refuse every other one through `require`.
"""

from __future__ import annotations

from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Metric
from cdp.rules import values
from cdp.rules.errors import Problem, RuleError, did_you_mean, shown
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import Operator, operators_of
from cdp.rules.tree import MAX_DEPTH, All, Any, Compare, Not, Place, Rule, too_deep, walk

MAX_LEAVES = 200
#: Values in the lists of the whole rule.
MAX_LIST_VALUES = 10_000
#: Operators that compare with a whole value: where a metric has choices, only one of them can ever match.
_OF_CHOICES = ("eq", "ne", "in", "not_in")


def check(rule: Rule) -> list[Problem]:
    """Every problem of the rule in reading order; a rule that is too big has that problem only."""
    too_big = _size_problem(rule)
    if too_big:
        return [too_big]
    return [problem for place in walk(rule) if (problem := _problem(place))]


def require(rule: Rule) -> None:
    """Raises RuleError with the first problem."""
    for problem in check(rule):
        raise RuleError(problem.path, problem.says)


def _size_problem(rule: Rule) -> Problem | None:
    """Stops at the first limit it meets, so that it is quick on a rule of any size."""
    leaves = list_values = 0
    for path, depth, node in walk(rule):
        if depth > MAX_DEPTH:
            return Problem(path, too_deep())
        leaves += _is_leaf(node)
        if leaves > MAX_LEAVES:
            return Problem("rule", f"has more than {MAX_LEAVES} conditions; split it into several segments.")
        if isinstance(node, Compare) and isinstance(node.value, tuple):
            list_values += len(node.value)
        if list_values > MAX_LIST_VALUES:
            return Problem(f"{path}.metric.value", f"is past the {MAX_LIST_VALUES} list values that a rule may hold.")
    return None


def _is_leaf(node: Rule) -> bool:
    """An empty group counts as a leaf: it ends a branch, and the limit is to bound every tree."""
    return isinstance(node, Compare) or (isinstance(node, All | Any) and not node.children)


def _problem(place: Place) -> Problem | None:
    match place.rule:
        case All(()):
            return Problem(f"{place.path}.all", "the group is empty; add a condition to it or remove it.")
        case Any(()):
            return Problem(f"{place.path}.any", "the group is empty; add a condition to it or remove it.")
        case Compare():
            return _compare_problem(place.rule, f"{place.path}.metric")
        case All() | Any() | Not():
            return None


def _compare_problem(leaf: Compare, path: str) -> Problem | None:
    """The first thing that is wrong with a comparison; what follows would only be its consequence."""
    metric = METRICS.get(leaf.field)
    if metric is None:
        return Problem(f"{path}.field", f"{shown(leaf.field)} is not a metric; {did_you_mean(leaf.field, METRICS)}")
    operator = OPERATORS.get(leaf.operator)
    if operator is None:
        return Problem(f"{path}.operator", f"{shown(leaf.operator)} is not an operator; {did_you_mean(leaf.operator, OPERATORS)}")
    if metric.kind not in operator.kinds:
        fitting = ", ".join(other.key for other in operators_of(metric.kind))
        return Problem(
            f"{path}.operator", f"{operator.key!r} does not go with {metric.key} ({metric.kind}); take one of {fitting}."
        )
    return _value_problem(leaf, metric, operator, f"{path}.value")


def _value_problem(leaf: Compare, metric: Metric, operator: Operator, path: str) -> Problem | None:
    says = _count_fault(leaf, operator)
    if says:
        return Problem(path, says)
    kind = operator.value_kind(metric.kind)
    for i, value in enumerate(leaf.values):
        says = values.fault(kind, value) or _choice_fault(value, metric, operator)
        if says:
            return Problem(f"{path}[{i}]" if isinstance(leaf.value, tuple) else path, says)
    if operator.values == "two" and _ends_before_it_begins(leaf):
        return Problem(path, "ends before it begins; swap the two values.")
    return None


def _count_fault(leaf: Compare, operator: Operator) -> str:
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


def _choice_fault(value: object, metric: Metric, operator: Operator) -> str:
    if not metric.choices or operator.key not in _OF_CHOICES or value in metric.choices:
        return ""
    return f"{shown(value)} is not a value of {metric.key}; {did_you_mean(str(value), metric.choices)}"


def _ends_before_it_begins(leaf: Compare) -> bool:
    low, high = leaf.values
    return bool(low > high)  # type: ignore[operator]
