"""The day on which a customer leaves a segment by time alone: windows end and days pass, and the customer does nothing.

Some metrics can't be computed for a coming day from one customer's facts: those of a window, the lifecycle, scores and groups.
For a rule with such a metric, or with recommendations, the day is unknown.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from cdp.metrics import BY_KEY as METRICS
from cdp.rules.behaviours import ANY_EVENT, MEASURES_BY_KEY
from cdp.rules.explain import combine, list_reachable
from cdp.rules.facts import Facts, Interaction
from cdp.rules.interpret import holds_leaf
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.recommended import reads_recommendations
from cdp.rules.tree import Behaviour, Compare, InSegment, Leaf, Rule, Sequence, steps_of, walk
from cdp.rules.windows import find_days, go_back

#: Days that the forecast looks ahead.
MAX_DAYS = 400


@dataclass(frozen=True, slots=True)
class LeavingForecast:
    """The first day on which the rule no longer holds; None if it holds on all days of the forecast, or if that is unknown."""

    day: date | None
    #: The metrics that have no forecast.
    unknown: tuple[str, ...] = ()
    #: The rule reads recommendations, which nobody knows in advance.
    needs_recommendations: bool = False


def forecast_leaving(rule: Rule, facts: Facts) -> LeavingForecast:
    """For a customer for whom the rule holds now."""
    rules = list_reachable(rule, facts.segments)
    unknown = find_unpredictable(rules)
    needs_recommendations = any(map(reads_recommendations, rules))
    if unknown or needs_recommendations:
        return LeavingForecast(None, unknown, needs_recommendations)
    days = _ComingDays(facts)
    coming = (facts.as_of + timedelta(days=number) for number in range(1, _count_days(facts.as_of) + 1))
    return LeavingForecast(next((day for day in coming if not days.holds(rule, day)), None))


def find_unpredictable(rules: list[Rule]) -> tuple[str, ...]:
    """The metrics in these rules that change with time in a way that one customer's facts don't tell."""
    fields = dict.fromkeys(node.rule.field for rule in rules for node in walk(rule) if isinstance(node.rule, Compare))
    return tuple(field for field in fields if not METRICS[field].since and _varies(field))


@cache
def _varies(field: str) -> bool:
    """Whether a metric changes although nothing happens to the customer."""
    metric = METRICS[field]
    if "{as_of}" in metric.sql or metric.stage in ("scores", "earlier"):
        return True
    return metric.stage == "derived" and any(_varies(name) for name in set(re.findall(r"\w+", metric.sql)) & METRICS.keys())


def _count_days(as_of: date) -> int:
    return min(MAX_DAYS, (date.max - as_of).days)


class _ComingDays:
    """The answers of leaves on coming days. A leaf is computed again only where something that it counts has changed."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._timelines: dict[Leaf, _Timeline] = {}

    def holds(self, rule: Rule, day: date) -> bool:
        return combine(rule, lambda leaf: self._holds_leaf(leaf, day))

    def _holds_leaf(self, leaf: Leaf, day: date) -> bool:
        if isinstance(leaf, InSegment):
            return self.holds(self._facts.segments[leaf.segment_id], day)
        if leaf not in self._timelines:
            self._timelines[leaf] = _Timeline(leaf, self._facts)
        return self._timelines[leaf].holds(day)


class _Timeline:
    """One leaf from day to day."""

    def __init__(self, leaf: Leaf, facts: Facts) -> None:
        rows = _select_rows(leaf, facts)
        self._leaf = leaf
        self._facts = replace(facts, interactions=rows)
        self._days = sorted({row.day for row in rows})
        self._state: object = None
        self._answer = False

    def holds(self, day: date) -> bool:
        state = self._find_state(day)
        if state != self._state:
            self._state, self._answer = state, holds_leaf(self._leaf, move_facts(self._facts, day))
        return self._answer

    def _find_state(self, day: date) -> tuple[object, ...]:
        """What the answer depends on: while it is equal, so is the answer."""
        leaf = self._leaf
        match leaf:
            case Compare(field, operator):
                metric = METRICS[field]
                is_steady = OPERATORS[operator].compares == "rank" or not (metric.since or metric.kind == "date")
                return ("steady",) if is_steady else (day,)
            case Behaviour():
                counts_days = MEASURES_BY_KEY[leaf.measure].kind == "date"
                return (self._find_rows_within(leaf, day), day if counts_days else None)
            case Sequence():
                last_over = bisect_right(self._days, go_back(day, leaf.within_days))
                return (self._find_rows_within(leaf, day), None if leaf.follows else last_over)
        return ("steady",)

    def _find_rows_within(self, leaf: Behaviour | Sequence, day: date) -> tuple[int, int]:
        """The customer's days in the window, as positions."""
        first, last = find_days(leaf.window, day)
        return bisect_left(self._days, first or date.min), bisect_right(self._days, last)


def move_facts(facts: Facts, day: date) -> Facts:
    """The same customer on a later day, if nothing happens until then."""
    passed = (day - facts.as_of).days
    metrics = {key: _count_on(key, value, passed) for key, value in facts.metrics.items()}
    return replace(facts, as_of=day, metrics=metrics)


def _count_on(field: str, value: object, days: int) -> object:
    """A metric that counts the days to the published day grows by the days that pass."""
    return value + days if field in METRICS and METRICS[field].since and isinstance(value, int) else value


def _select_rows(leaf: Leaf, facts: Facts) -> list[Interaction]:
    if not isinstance(leaf, Behaviour | Sequence):
        return []
    events = {step.event for _, step in steps_of(leaf)}
    return [row for row in facts.interactions if ANY_EVENT in events or row.event_type in events]
