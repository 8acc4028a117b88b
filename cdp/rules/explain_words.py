"""The values of a customer, and what would have to change, in words."""

from __future__ import annotations

import json
import math
from datetime import date
from decimal import Decimal
from fractions import Fraction

from cdp.kinds import MONEY_SCALE
from cdp.metrics import BY_KEY as METRICS
from cdp.rules.behaviours import MEASURES_BY_KEY
from cdp.rules.changes import LeafChange
from cdp.rules.explain import Actual, SequenceDays, StepDays
from cdp.rules.facts import Rank
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.phrases_english import ENGLISH
from cdp.rules.sentence import Names, format_title, to_sentence
from cdp.rules.tree import Behaviour, Compare, InList, InSegment, Rule, Scalar, Sequence

#: Operator -> the operator that holds exactly where it does not, for a customer who has a value.
OPPOSITES = {
    "eq": "ne", "lt": "ge", "le": "gt", "on": "not_on", "before": "on_or_after", "on_or_before": "after",
    "between": "not_between", "in": "not_in", "contains": "not_contains", "is_set": "is_not_set",
}  # fmt: skip
OPPOSITES |= {value: key for key, value in OPPOSITES.items()}
#: The smallest difference between two values. Other kinds have none that helps a reader.
_STEPS: dict[ValueKind, Decimal] = {"integer": Decimal(1), "money": Decimal(1).scaleb(-MONEY_SCALE)}
_INFINITIVES = (
    ("is ", "be "), ("has ", "have "), ("contains ", "contain "), ("does not contain ", "not contain "),
    ("starts with ", "start with "), ("ends with ", "end with "),
)  # fmt: skip


def describe_actual(rule: Rule, actual: Actual) -> str:
    """The customer's value of a leaf; empty for nodes without one."""
    match rule, actual:
        case (Compare(), Rank()):
            place = actual.from_top if rule.operator.startswith("top") else actual.from_bottom
            return f"place {place:,} of {actual.customers:,}"
        case (Compare() | Behaviour(), None):
            return "no value"
        case (Compare(field), _):
            unit = ENGLISH.days if METRICS[field].unit == "days" and METRICS[field].kind == "integer" else None
            return _format(actual, METRICS[field].kind, unit)
        case (Behaviour(measure=measure), _):
            return _format(actual, MEASURES_BY_KEY[measure].kind, ENGLISH.units.get(measure))
        case (_, SequenceDays(first, then)):
            return f"first step: {_format_days(first)}; second step: {_format_days(then)}"
    return ""


def describe_target(rule: Rule) -> str:
    """What a leaf compares the customer's value with; empty for nodes that compare none."""
    match rule:
        case Compare(field, operator):
            return ENGLISH.operators[operator].format(
                *ENGLISH.format_values(rule.values, METRICS[field].kind, OPERATORS[operator])
            )
        case Behaviour(_, measure, operator):
            texts = ENGLISH.format_values(
                rule.values, MEASURES_BY_KEY[measure].kind, OPERATORS[operator], ENGLISH.units.get(measure)
            )
            return ENGLISH.amounts[operator].format(*texts)
        case Sequence(follows=follows, within_days=days):
            within = ENGLISH.within.format(*ENGLISH.format_numbers([days], ENGLISH.days)) if days else ENGLISH.same_day
            return f"the second step {'follows' if follows else 'does not follow'} {within}"
    return ""


def describe_change(change: LeafChange, actual: Actual, names: Names) -> str:
    """ "orders must rise from 2 to 3". `actual` is the customer's value of the leaf."""
    leaf = change.leaf
    match leaf:
        case InSegment(segment_id):
            return f"must {_be(change.to)} in the segment {_name(names.segments.get(segment_id), segment_id)}"
        case InList(list_id):
            return f"must {_be(change.to)} in the list {_name(names.lists.get(list_id), list_id)}"
        case Compare(field, operator) if OPERATORS[operator].compares == "rank":
            return _describe_rank(leaf, actual, change.to)
        case Compare(field):
            return _describe_value(leaf, format_title(field), METRICS[field].kind, actual, change.to)
        case Behaviour(step, measure, _, _, window):
            did = to_sentence(Behaviour(step, "events", "ge", 1, window), names)
            subject = f"“{did}”: {MEASURES_BY_KEY[measure].title}"
            return _describe_value(leaf, subject, MEASURES_BY_KEY[measure].kind, actual, change.to)
        case Sequence():
            return f"must {'match' if change.to else 'no longer match'}: {to_sentence(leaf, names)}"


def _describe_value(leaf: Compare | Behaviour, subject: str, kind: ValueKind, actual: Actual, to: bool) -> str:
    operator = leaf.operator if to else OPPOSITES.get(leaf.operator)
    if operator is None:
        return f"{subject} must no longer match “{describe_target(leaf)}”; it is {describe_actual(leaf, actual)}"
    if isinstance(actual, int | Decimal | Fraction):
        goal = _find_goal(operator, leaf.values, kind, actual)
        if goal is not None:
            verb = "rise" if goal > actual else "fall"
            return f"{subject} must {verb} from {_format(actual, kind)} to {_format(goal, kind)}"
    phrase = ENGLISH.operators[operator].format(*ENGLISH.format_values(leaf.values, kind, OPERATORS[operator]))
    now = "it has no value" if actual is None else f"it is {describe_actual(leaf, actual)}"
    return f"{subject} must {_to_infinitive(phrase)}; {now}"


def _find_goal(
    operator: str, values: tuple[Scalar, ...], kind: ValueKind, actual: int | Decimal | Fraction
) -> int | Decimal | None:
    """The nearest value that matches; None if it has no name."""
    numbers = [value for value in values if isinstance(value, int | Decimal)]
    step = _STEPS.get(kind)
    match operator, numbers:
        case ("ge" | "le" | "eq", [number]):
            return number
        case ("gt", [number]) if step:
            return number + step
        case ("lt", [number]) if step:
            return number - step
        case ("between", [low, high]):
            return low if actual < low else high
    return None


def _describe_rank(leaf: Compare, actual: Actual, to: bool) -> str:
    title, sentence = format_title(leaf.field), to_sentence(leaf)
    if not isinstance(actual, Rank):
        return f"{title} must have a value, and a place where it {ENGLISH.operators[leaf.operator].format(leaf.value)}"
    place = actual.from_top if leaf.operator.startswith("top") else actual.from_bottom
    last = _find_last_place(leaf, actual)
    if not to or last < 1:
        return f"must {'match' if to else 'no longer match'}: {sentence}; it is {describe_actual(leaf, actual)}"
    end = "highest" if leaf.operator.startswith("top") else "lowest"
    return f"{title} must move from place {place:,} to place {last:,} of {actual.customers:,}, counted from the {end}"


def _find_last_place(leaf: Compare, rank: Rank) -> int:
    """The last place that matches."""
    value = Fraction(str(leaf.value))
    return math.ceil(rank.customers * value / 100) if leaf.operator.endswith("percent") else int(value)


def _format(value: Actual, kind: ValueKind, unit: tuple[str, str] | None = None) -> str:
    if isinstance(value, Fraction):
        value = Decimal(round(value * 100)) / 100
    if unit and isinstance(value, int):
        return unit[value != 1].format(f"{value:,}")
    if kind == "percent" and isinstance(value, int | Decimal):
        return ENGLISH.percent.format(format(Decimal(value).normalize(), "f"))
    if kind == "integer" and isinstance(value, int | Decimal):
        return f"{int(value):,}"
    if kind == "text" or not isinstance(value, int | Decimal | date):
        return str(value)
    return ENGLISH.format_value(value, kind)


def _format_days(days: StepDays | None) -> str:
    if days is None:
        return "never"
    first, last = (_format(day, "date") for day in (days.first, days.last))
    return first if first == last else f"{first} to {last}"


def _to_infinitive(phrase: str) -> str:
    return next((f"{verb}{phrase.removeprefix(start)}" for start, verb in _INFINITIVES if phrase.startswith(start)), phrase)


def _be(to: bool) -> str:
    return "be" if to else "not be"


def _name(name: str | None, number: int) -> str:
    return json.dumps(name or f"#{number}", ensure_ascii=False)
