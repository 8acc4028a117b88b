"""Finds what is wrong with a rule: fields, operators, values, empty groups, size. Reports all problems at once.

A rule without a problem has exactly one meaning; interpreter and compiler refuse all other rules through `require_valid`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice

from cdp.errors import did_you_mean
from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Metric
from cdp.rules import values
from cdp.rules.behaviours import EVENTS, FIELDS_BY_KEY, MEASURES_BY_KEY, SHARED_FIELDS, EventField, Measure
from cdp.rules.errors import Problem, RuleError, abbreviate
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import Operator, ValueKind, list_operators
from cdp.rules.recommended import KINDS_BY_KEY, MAX_PLACES
from cdp.rules.tree import (
    MAX_DEPTH,
    TOO_DEEP,
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Leaf,
    Not,
    Recommended,
    Rule,
    RuleNode,
    Sequence,
    Step,
    Window,
    steps_of,
    walk,
)
from cdp.rules.windows import WINDOWS_BY_KEY, WindowKind

MAX_LEAVES = 200
#: List values in the whole rule.
MAX_LIST_VALUES = 10_000
#: Problems that `check` reports: to find the word that was meant is slow.
MAX_PROBLEMS = 20
#: Operators that compare with a whole value: if a metric has choices, only a choice can match.
_WHOLE_VALUE_OPERATORS = ("eq", "ne", "in", "not_in")
#: Days between the two steps of a sequence.
MAX_STEP_DAYS = 366
FindFault = Callable[[object], str]
_COUNT_WORDS = ("no value", "one value", "a list of two values")
_SWAP = "ends before it begins; swap the two values."


def check(rule: Rule) -> list[Problem]:
    """The problems of the rule in reading order, at most MAX_PROBLEMS. A rule that is too big has only that problem."""
    too_big = _find_size_problem(rule)
    if too_big:
        return [too_big]
    return list(islice(filter(None, map(_find_problem, walk(rule))), MAX_PROBLEMS))


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
        leaves += _count_conditions(node)
        if leaves > MAX_LEAVES:
            return Problem("rule", f"has more than {MAX_LEAVES} conditions; split it into several segments.")
        list_values += _count_list_values(node)
        if list_values > MAX_LIST_VALUES:
            return Problem(path, f"exceeds the {MAX_LIST_VALUES} list values that a rule may hold; upload a list instead.")
    return None


def _count_conditions(node: Rule) -> int:
    """An empty group counts as one: it ends a branch, and the limit must bound every tree. A filter counts as one, too."""
    match node:
        case All(children) | Any(children):
            return not children
        case Not():
            return 0
        case Behaviour() | Sequence():
            return 1 + sum(len(step.filters) for _, step in steps_of(node))
    return 1


def _count_list_values(node: Rule) -> int:
    match node:
        case Compare() | Recommended():
            return len(node.values)
        case Behaviour() | Sequence():
            return sum(len(each.values) for _, step in steps_of(node) for each in step.filters)
    return 0


def _find_problem(node: RuleNode) -> Problem | None:
    match node.rule:
        case All(()):
            return Problem(f"{node.path}.all", "the group is empty; add a condition to it or remove it.")
        case Any(()):
            return Problem(f"{node.path}.any", "the group is empty; add a condition to it or remove it.")
        case All() | Any() | Not():
            return None
        case _:
            return _find_leaf_problem(node.rule, node.path)


def _find_leaf_problem(leaf: Leaf, path: str) -> Problem | None:
    """The first fault of a leaf; later faults would only be its consequences."""
    match leaf:
        case Compare():
            return _find_comparison_problem(leaf, f"{path}.metric")
        case Behaviour():
            return _find_behaviour_problem(leaf, f"{path}.behaviour")
        case Sequence():
            return _find_sequence_problem(leaf, f"{path}.sequence")
        case InSegment(number):
            return _find_id_problem(number, f"{path}.segment.id")
        case InList(number):
            return _find_id_problem(number, f"{path}.list.id")
        case Recommended():
            return _find_recommended_problem(leaf, f"{path}.recommended")


def _find_id_problem(number: int, path: str) -> Problem | None:
    return None if 0 < number < 2**63 else Problem(path, "must be the id of one that exists.")


def _find_comparison_problem(leaf: Compare, path: str) -> Problem | None:
    metric = METRICS.get(leaf.field)
    if metric is None:
        return Problem(f"{path}.field", f"{abbreviate(leaf.field)} is not a metric; {did_you_mean(leaf.field, METRICS)}")
    problem = _find_operator_problem(leaf.operator, metric.key, metric.kind, list_operators(metric.kind), path)
    find_fault = partial(_find_choice_fault, metric=metric, leaf=leaf)
    return problem or _find_value_problem(leaf, metric.kind, f"{path}.value", find_fault)


def _find_operator_problem(key: str, of: str, kind: str, fitting: list[Operator], path: str) -> Problem | None:
    if key not in OPERATORS:
        return Problem(f"{path}.operator", f"{abbreviate(key)} is not an operator; {did_you_mean(key, OPERATORS)}")
    keys = [operator.key for operator in fitting]
    if key not in keys:
        return Problem(f"{path}.operator", f"{key!r} does not go with {of} ({kind}); use one of {', '.join(keys)}.")
    return None


def _find_behaviour_problem(leaf: Behaviour, path: str) -> Problem | None:
    problem = _find_step_problem(leaf.step, path) or _find_window_problem(leaf.window, f"{path}.window")
    if problem:
        return problem
    measure = MEASURES_BY_KEY.get(leaf.measure)
    if measure is None:
        says = f"{abbreviate(leaf.measure)} is not a measure; {did_you_mean(leaf.measure, MEASURES_BY_KEY)}"
        return Problem(f"{path}.measure", says)
    return (
        _find_measure_problem(leaf, measure, path)
        or _find_operator_problem(leaf.operator, measure.key, measure.kind, measure.operators, path)
        or _find_value_problem(leaf, measure.kind, f"{path}.value", lambda value: "")
    )


def _find_measure_problem(leaf: Behaviour, measure: Measure, path: str) -> Problem | None:
    if leaf.step.event not in measure.events:
        events = " or ".join(measure.events)
        return Problem(f"{path}.measure", f"{measure.key!r} only goes with {events}, not with {leaf.step.event!r}.")
    if measure.key.startswith("share_of_") and not leaf.step.filters:
        return Problem(f"{path}.where", "is missing: a share needs the filters that say of what.")
    return None


def _find_step_problem(step: Step, path: str) -> Problem | None:
    if step.event not in EVENTS:
        says = f"{abbreviate(step.event)} is not an event; {did_you_mean(step.event, EVENTS)}"
        return Problem(f"{path}.event", says)
    for i, each in enumerate(step.filters):
        problem = _find_filter_problem(each, f"{path}.where[{i}]")
        if problem:
            return problem
    return None


def _find_filter_problem(each: Filter, path: str) -> Problem | None:
    field = FIELDS_BY_KEY.get(each.field)
    if field is None:
        return Problem(
            f"{path}.field", f"{abbreviate(each.field)} is not a field of an event; {did_you_mean(each.field, FIELDS_BY_KEY)}"
        )
    problem = _find_operator_problem(each.operator, field.key, field.kind, field.operators, path)
    return problem or _find_value_problem(each, field.kind, f"{path}.value", lambda value: _find_limit_fault(value, field))


def _find_limit_fault(value: object, field: EventField) -> str:
    if field.limits is None:
        return ""
    lowest, highest = field.limits
    is_inside = isinstance(value, int) and lowest <= value <= highest
    return "" if is_inside else f"must be from {lowest} to {highest}, not {abbreviate(value)}."


def _find_sequence_problem(leaf: Sequence, path: str) -> Problem | None:
    for name, step in steps_of(leaf):
        problem = _find_step_problem(step, f"{path}{name}")
        if problem:
            return problem
    if not 0 <= leaf.within_days <= MAX_STEP_DAYS:
        return Problem(f"{path}.within_days", f"must be from 0 to {MAX_STEP_DAYS} days, not {abbreviate(leaf.within_days)}.")
    if leaf.same and leaf.same not in SHARED_FIELDS:
        return Problem(f"{path}.same", f"{abbreviate(leaf.same)} can't be shared; {did_you_mean(leaf.same, SHARED_FIELDS)}")
    return _find_window_problem(leaf.window, f"{path}.window")


def _find_recommended_problem(leaf: Recommended, path: str) -> Problem | None:
    if leaf.what not in KINDS_BY_KEY:
        says = f"{abbreviate(leaf.what)} can't be recommended; {did_you_mean(leaf.what, KINDS_BY_KEY)}"
        return Problem(f"{path}.what", says)
    if not leaf.values:
        return Problem(f"{path}.values", "is empty; name at least one value.")
    for i, value in enumerate(leaf.values):
        if fault := values.find_fault("text", value):
            return Problem(f"{path}.values[{i}]", fault)
    if not 1 <= leaf.places <= MAX_PLACES:
        return Problem(f"{path}.places", f"must be from 1 to {MAX_PLACES}, not {abbreviate(leaf.places)}.")
    return None


def _find_window_problem(window: Window, path: str) -> Problem | None:
    kind = WINDOWS_BY_KEY.get(window.kind)
    if kind is None:
        return Problem(path, f"{abbreviate(window.kind)} is not a window; {did_you_mean(window.kind, WINDOWS_BY_KEY)}")
    wanted_count = {"none": 0, "one": 1, "two": 2}[kind.values]
    if len(window.values) != wanted_count:
        return Problem(path, f"{kind.key!r} takes {_COUNT_WORDS[wanted_count]}.")
    for value in window.values:
        fault = _find_window_fault(kind, value)
        if fault:
            return Problem(f"{path}.{kind.key}", fault)
    if len(window.values) == 2 and window.values[0] > window.values[1]:  # type: ignore[operator]
        return Problem(f"{path}.{kind.key}", _SWAP)
    return None


def _find_window_fault(kind: WindowKind, value: object) -> str:
    """Zero days ago is the published day itself; a window of the last zero days would be empty."""
    if kind.key == "days_ago" and type(value) is int and value == 0:
        return ""
    return values.find_fault(kind.takes, value) if kind.takes else ""


def _find_value_problem(leaf: Compare | Behaviour | Filter, kind: ValueKind, path: str, find_fault: FindFault) -> Problem | None:
    operator = OPERATORS[leaf.operator]
    fault = _find_count_fault(leaf, operator)
    if fault:
        return Problem(path, fault)
    value_kind = operator.value_kind(kind)
    for i, value in enumerate(leaf.values):
        fault = values.find_fault(value_kind, value) or find_fault(value)
        if fault:
            return Problem(f"{path}[{i}]" if isinstance(leaf.value, tuple) else path, fault)
    if operator.values == "two" and leaf.values[0] > leaf.values[1]:  # type: ignore[operator]
        return Problem(path, _SWAP)
    return None


def _find_count_fault(leaf: Compare | Behaviour | Filter, operator: Operator) -> str:
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


def _find_choice_fault(value: object, *, metric: Metric, leaf: Compare) -> str:
    if not metric.choices or leaf.operator not in _WHOLE_VALUE_OPERATORS or value in metric.choices:
        return ""
    return f"{abbreviate(value)} is not a value of {metric.key}; {did_you_mean(str(value), metric.choices)}"
