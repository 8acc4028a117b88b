"""The referee: what a rule means for one customer, in plain Python. Where a compiler disagrees, the compiler is wrong."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from cdp.rules.behaviours import ANY_EVENT
from cdp.rules.check import require_valid
from cdp.rules.facts import Facts, Interaction, Rank
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.recommended import is_recommended
from cdp.rules.tree import All, Any, Behaviour, Compare, Filter, InList, InSegment, Leaf, Not, Recommended, Rule, Step, Window
from cdp.rules.tree import Sequence as StepSequence

#: (customer's value, rule's value, published day) -> whether the comparison holds. The customer's value is never missing.
Comparison = Callable[[typing.Any, typing.Any, date], bool]


def fold(text: str) -> str:
    """Lower case, letter by letter. Engines differ on two capitals, whose lower case depends on the place in the word or has two
    letters; they are replaced first."""
    return text.replace("Σ", "σ").replace("ς", "σ").replace("İ", "i").lower()


def _is_anniversary(day: date, value: int, as_of: date) -> bool:
    """Whether one of the next `value` days repeats the month and day of an earlier date."""
    if day >= as_of:
        return False
    coming = [as_of + timedelta(days=n) for n in range(min(value, 366))]
    return any(_repeats(day, other) for other in coming)


def _repeats(day: date, other: date) -> bool:
    if (day.month, day.day) == (other.month, other.day):
        return True
    return (day.month, day.day) == (2, 29) and (other.month, other.day) == (2, 28) and (other + timedelta(days=1)).day == 1


def _last_month(as_of: date) -> tuple[int, int]:
    return (as_of.year, as_of.month - 1) if as_of.month > 1 else (as_of.year - 1, 12)


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
    "not_between": lambda actual, value, as_of: actual < value[0] or actual > value[1],
    "in_last_days": lambda actual, value, as_of: 0 <= (as_of - actual).days < value,
    "more_than_days_ago": lambda actual, value, as_of: (as_of - actual).days > value,
    "days_ago_between": lambda actual, value, as_of: value[0] <= (as_of - actual).days <= value[1],
    "this_week": lambda actual, value, as_of: actual.isocalendar()[:2] == as_of.isocalendar()[:2],
    "last_week": lambda actual, value, as_of: actual.isocalendar()[:2] == (as_of - timedelta(days=7)).isocalendar()[:2],
    "this_month": lambda actual, value, as_of: (actual.year, actual.month) == (as_of.year, as_of.month),
    "last_month": lambda actual, value, as_of: (actual.year, actual.month) == _last_month(as_of),
    "this_year": lambda actual, value, as_of: actual.year == as_of.year,
    "last_year": lambda actual, value, as_of: actual.year == as_of.year - 1,
    "anniversary_in_days": _is_anniversary,
    "in": lambda actual, value, as_of: actual in value,
    "not_in": lambda actual, value, as_of: actual not in value,
    "contains": lambda actual, value, as_of: value in actual,
    "not_contains": lambda actual, value, as_of: value not in actual,
    "starts_with": lambda actual, value, as_of: actual.startswith(value),
    "ends_with": lambda actual, value, as_of: actual.endswith(value),
    "eq_any_case": lambda actual, value, as_of: fold(actual) == fold(value),
    "in_any_case": lambda actual, value, as_of: fold(actual) in map(fold, value),
    "contains_any_case": lambda actual, value, as_of: fold(value) in fold(actual),
    "starts_with_any_case": lambda actual, value, as_of: fold(actual).startswith(fold(value)),
    "ends_with_any_case": lambda actual, value, as_of: fold(actual).endswith(fold(value)),
    "is_set": lambda actual, value, as_of: True,
    "is_not_set": lambda actual, value, as_of: False,
}

RANK_TESTS: dict[str, Callable[[Rank, typing.Any], bool]] = {
    "top": lambda rank, value: rank.from_top <= value,
    "bottom": lambda rank, value: rank.from_bottom <= value,
    # One customer of a thousand is among the highest 0.1 %; of fewer, the first one is.
    "top_percent": lambda rank, value: (rank.from_top - 1) * 100 < rank.customers * value,
    "bottom_percent": lambda rank, value: (rank.from_bottom - 1) * 100 < rank.customers * value,
}


def matches(rule: Rule, facts: Facts) -> bool:
    """Whether the customer is in the segment. Raises RuleError for a rule that does not pass `check`."""
    require_valid(rule)
    return holds(rule, facts)


def holds(rule: Rule, facts: Facts) -> bool:
    """As `matches`, for a rule that is known to be valid."""
    match rule:
        case All(children):
            return all(holds(child, facts) for child in children)
        case Any(children):
            return any(holds(child, facts) for child in children)
        case Not(child):
            return not holds(child, facts)
        case _:
            return holds_leaf(rule, facts)


def holds_leaf(leaf: Leaf, facts: Facts) -> bool:
    match leaf:
        case Compare(field, operator, value) if OPERATORS[operator].compares == "rank":
            rank = facts.rank(field)
            return rank is not None and RANK_TESTS[operator](rank, value)
        case Compare(field, operator, value):
            return _compare(facts.metrics.get(field), operator, value, facts.as_of)
        case Behaviour(_, _, operator, value):
            return _compare(measure_behaviour(leaf, facts), operator, value, facts.as_of)
        case StepSequence():
            return _holds_sequence(leaf, facts)
        case InSegment(segment_id):
            return holds(facts.segments[segment_id], facts)
        case InList(list_id):
            return list_id in facts.lists
        case Recommended():
            return is_recommended(leaf, facts.recommendations)


def _compare(actual: object, operator: str, value: object, as_of: date) -> bool:
    if actual is None:
        return operator == "is_not_set"
    return TESTS[operator](actual, value, as_of)


def measure_behaviour(leaf: Behaviour, facts: Facts) -> int | Decimal | Fraction | date | None:
    """The customer's value of the measure; None if it is missing."""
    of_type = [row for row in _select_type(leaf.step, facts.interactions) if is_in_window(row.day, leaf.window, facts.as_of)]
    return _MEASURES[leaf.measure]([row for row in of_type if _passes(row, leaf.step.filters)], of_type)


def is_in_window(day: date, window: Window, as_of: date) -> bool:
    ago = (as_of - day).days
    if ago < 0:
        return False
    match window.kind, window.values:
        case "ever", _:
            return True
        case "last_days", (days,):
            return ago < typing.cast(int, days)
        case "days_ago", (near, far):
            return typing.cast(int, near) <= ago <= typing.cast(int, far)
        case "between", (first, last):
            return typing.cast(date, first) <= day <= typing.cast(date, last)
    return TESTS[window.kind](day, None, as_of)


def _select_type(step: Step, rows: Iterable[Interaction]) -> list[Interaction]:
    return [row for row in rows if step.event in (ANY_EVENT, row.event_type)]


def _passes(row: Interaction, filters: Sequence[Filter]) -> bool:
    return all(_compare(getattr(row, each.field), each.operator, each.value, row.day) for each in filters)


def _share(part: Decimal | int, whole: Decimal | int) -> Fraction | None:
    """In percent, without rounding."""
    return Fraction(part) * 100 / Fraction(whole) if whole > 0 else None


_MEASURES: dict[str, Callable[[list[Interaction], list[Interaction]], int | Decimal | Fraction | date | None]] = {
    "events": lambda rows, of_type: sum(row.events for row in rows),
    "quantity": lambda rows, of_type: sum(row.quantity for row in rows),
    "money": lambda rows, of_type: sum((abs(row.money) for row in rows), Decimal(0)),
    "products": lambda rows, of_type: len({row.product_id for row in rows}),
    "categories": lambda rows, of_type: len({row.category_1 for row in rows} - {None}),
    "brands": lambda rows, of_type: len({row.brand for row in rows} - {None}),
    "days": lambda rows, of_type: len({row.day for row in rows}),
    "share_of_events": lambda rows, of_type: _share(sum(row.events for row in rows), sum(row.events for row in of_type)),
    "share_of_money": lambda rows, of_type: _share(
        sum((row.money for row in rows), Decimal(0)), sum((row.money for row in of_type), Decimal(0))
    ),
    "first_day": lambda rows, of_type: min((row.day for row in rows), default=None),
    "last_day": lambda rows, of_type: max((row.day for row in rows), default=None),
}


def _holds_sequence(leaf: StepSequence, facts: Facts) -> bool:
    in_window = [row for row in select_step(leaf.first, facts) if is_in_window(row.day, leaf.window, facts.as_of)]
    earlier = {(row.day, _find_shared(leaf, row)) for row in in_window}
    if leaf.same:
        earlier = {(day, shared) for day, shared in earlier if shared is not None}
    later: dict[object, set[date]] = {}
    for row in select_step(leaf.then, facts):
        later.setdefault(_find_shared(leaf, row), set()).add(row.day)
    lonely = {step for step in earlier if not _is_followed(leaf, step[0], later.get(step[1], set()))}
    if leaf.follows:
        return len(lonely) < len(earlier)
    return any((facts.as_of - day).days >= leaf.within_days for day, _ in lonely)


def select_step(step: Step, facts: Facts) -> list[Interaction]:
    """What the customer did of a step, up to the published day."""
    rows = _select_type(step, facts.interactions)
    return [row for row in rows if row.day <= facts.as_of and _passes(row, step.filters)]


def _is_followed(leaf: StepSequence, day: date, later: set[date]) -> bool:
    return any(0 <= (other - day).days <= leaf.within_days for other in later)


def _find_shared(leaf: StepSequence, row: Interaction) -> object:
    """The value that both steps must share; None if they may differ."""
    return getattr(row, leaf.same) if leaf.same else None
