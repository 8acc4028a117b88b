"""The values of a customer, and what would have to change, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from cdp.kinds import MONEY_SCALE
from cdp.metrics import BY_KEY as METRICS
from cdp.rules.behaviours import MEASURES_BY_KEY
from cdp.rules.changes import LeafChange
from cdp.rules.explain import Actual, SequenceDays, StepDays
from cdp.rules.explain_phrases import EXPLAIN_PHRASES, ExplainPhrases
from cdp.rules.facts import Rank
from cdp.rules.names import NO_NAMES, RECOMMENDED_CATEGORY, Names, quote
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.phrases import Language, Phrases, Unit
from cdp.rules.sentence import PHRASES, format_title, localize_values, to_sentence
from cdp.rules.tree import Behaviour, Compare, InList, InSegment, Recommended, Rule, Scalar, Sequence

#: Operator -> the operator that holds exactly where it does not, for a customer who has a value.
OPPOSITES = {
    "eq": "ne", "lt": "ge", "le": "gt", "on": "not_on", "before": "on_or_after", "on_or_before": "after",
    "between": "not_between", "in": "not_in", "contains": "not_contains", "is_set": "is_not_set",
}  # fmt: skip
OPPOSITES |= {value: key for key, value in OPPOSITES.items()}
#: The smallest difference between two values. Other kinds have none that helps a reader.
_STEPS: dict[ValueKind, Decimal] = {"integer": Decimal(1), "money": Decimal(1).scaleb(-MONEY_SCALE)}


def describe_actual(rule: Rule, actual: Actual, language: Language = "en", names: Names = NO_NAMES) -> str:
    """The customer's value of a leaf; empty for nodes without one."""
    return _Writer(language, names).describe_actual(rule, actual)


def describe_target(rule: Rule, language: Language = "en", names: Names = NO_NAMES) -> str:
    """What a leaf compares the customer's value with; empty for nodes that compare none."""
    return _Writer(language, names).describe_target(rule)


def describe_change(change: LeafChange, actual: Actual, names: Names, language: Language = "en") -> str:
    """ "orders must rise from 2 to 3". `actual` is the customer's value of the leaf."""
    return _Writer(language, names).describe_change(change, actual)


@dataclass(frozen=True, slots=True)
class _Writer:
    language: Language
    names: Names

    @property
    def phrases(self) -> Phrases:
        return PHRASES[self.language]

    @property
    def words(self) -> ExplainPhrases:
        return EXPLAIN_PHRASES[self.language]

    def describe_actual(self, rule: Rule, actual: Actual) -> str:
        match rule, actual:
            case (Compare(), Rank()):
                place = actual.from_top if rule.operator.startswith("top") else actual.from_bottom
                return self.words.place.format(self._count(place), self._count(actual.customers))
            case (Compare() | Behaviour(), None):
                return self.words.no_value
            case (Compare(field), str()):
                name = self.names.categories.get(field, {}).get(actual, actual)
                return str(localize_values(METRICS[field], (name,), self.language)[0])
            case (Compare(field), _):
                unit = self.phrases.days if METRICS[field].unit == "days" and METRICS[field].kind == "integer" else None
                return self._format(actual, METRICS[field].kind, unit)
            case (Behaviour(measure=measure), _):
                return self._format(actual, MEASURES_BY_KEY[measure].kind, self.phrases.units.get(measure))
            case (Recommended(), None):
                return self.words.not_recommended
            case (Recommended(), str()):
                return self.names.categories.get(RECOMMENDED_CATEGORY, {}).get(actual, actual)
            case (Recommended(), int()):
                return self.words.recommended_place.format(self._count(actual))
            case (_, SequenceDays(first, then)):
                return self.words.steps.format(self._format_days(first), self._format_days(then))
        return ""

    def describe_target(self, rule: Rule) -> str:
        match rule:
            case Compare():
                return self._compare_metric(rule)
            case Behaviour(_, measure, operator):
                texts = self.phrases.format_values(
                    rule.values, MEASURES_BY_KEY[measure].kind, OPERATORS[operator], self.phrases.units.get(measure)
                )
                return self.phrases.amounts[operator].format(*texts)
            case Sequence(follows=follows, within_days=days):
                numbers = self.phrases.format_numbers([days], self.phrases.days)
                within = self.phrases.within.format(*numbers) if days else self.phrases.same_day
                return _choose(self.words.follows, follows).format(within)
            case Recommended(places=places):
                return self.phrases.describe_places(places)
        return ""

    def describe_change(self, change: LeafChange, actual: Actual) -> str:
        leaf = change.leaf
        match leaf:
            case InSegment(segment_id):
                return _choose(self.words.in_segment, change.to).format(_name(self.names.segments.get(segment_id), segment_id))
            case InList(list_id):
                return _choose(self.words.in_list, change.to).format(_name(self.names.lists.get(list_id), list_id))
            case Compare(_, operator) if OPERATORS[operator].compares == "rank":
                return self._describe_rank(leaf, actual, change.to)
            case Compare(field):
                return self._describe_value(leaf, format_title(field, self.language), METRICS[field].kind, actual, change.to)
            case Behaviour(step, measure, _, _, window):
                did = to_sentence(Behaviour(step, "events", "ge", 1, window), self.names, self.language)
                subject = f"“{did}”: {self.words.measures[measure]}"
                return self._describe_value(leaf, subject, MEASURES_BY_KEY[measure].kind, actual, change.to)
            case Sequence() | Recommended():
                return _choose(self.words.matches, change.to).format(to_sentence(leaf, self.names, self.language))

    def _describe_value(self, leaf: Compare | Behaviour, subject: str, kind: ValueKind, actual: Actual, to: bool) -> str:
        operator = leaf.operator if to else OPPOSITES.get(leaf.operator)
        if operator is None:
            return self.words.no_longer.format(subject, self.describe_target(leaf), self.describe_actual(leaf, actual))
        if isinstance(actual, int | Decimal | Fraction):
            goal = _find_goal(operator, leaf.values, kind, actual)
            if goal is not None:
                phrase = self.words.rise if goal > actual else self.words.fall
                return phrase.format(subject, self._format(actual, kind), self._format(goal, kind))
        if isinstance(leaf, Compare):
            comparison = self._compare_metric(replace(leaf, operator=operator))
        else:
            comparison = self._compare(operator, leaf.values, kind)
        now = self.words.is_missing if actual is None else self.words.is_now.format(self.describe_actual(leaf, actual))
        return self.words.must.format(subject, self._to_infinitive(comparison), now)

    def _describe_rank(self, leaf: Compare, actual: Actual, to: bool) -> str:
        title = format_title(leaf.field, self.language)
        if not isinstance(actual, Rank):
            return self.words.rank_missing.format(title, self.phrases.operators[leaf.operator].format(leaf.value))
        is_top = leaf.operator.startswith("top")
        last = _find_last_place(leaf, actual)
        if not to or last < 1:
            sentence = _choose(self.words.matches, to).format(to_sentence(leaf, self.names, self.language))
            return f"{sentence}; {self.words.is_now.format(self.describe_actual(leaf, actual))}"
        places = actual.from_top if is_top else actual.from_bottom, last, actual.customers
        return (self.words.rank_top if is_top else self.words.rank_bottom).format(title, *map(self._count, places))

    def _compare_metric(self, leaf: Compare) -> str:
        metric, operator = METRICS[leaf.field], OPERATORS[leaf.operator]
        values = localize_values(metric, leaf.values, self.language)
        names = self.names.find_texts(leaf.field, leaf.operator, values)
        texts = self.phrases.format_values(values, metric.kind, operator, names=names)
        return self.phrases.operators[leaf.operator].format(*texts)

    def _compare(self, operator: str, values: tuple[Scalar, ...], kind: ValueKind) -> str:
        return self.phrases.operators[operator].format(*self.phrases.format_values(values, kind, OPERATORS[operator]))

    def _format(self, value: Actual, kind: ValueKind, unit: Unit | None = None) -> str:
        if isinstance(value, Fraction):
            value = Decimal(round(value * 100)) / 100
        if unit and isinstance(value, int):
            return unit[value != 1].format(self._count(value))
        if kind == "integer" and isinstance(value, int | Decimal):
            return self._count(int(value))
        if kind == "text" or not isinstance(value, int | Decimal | date):
            return str(value)
        return self.phrases.format_value(value, kind)

    def _count(self, number: int) -> str:
        return f"{number:,}".replace(",", self.words.group_mark)

    def _format_days(self, days: StepDays | None) -> str:
        if days is None:
            return self.words.never
        first, last = (self._format(day, "date") for day in (days.first, days.last))
        return first if first == last else self.words.days.format(first, last)

    def _to_infinitive(self, phrase: str) -> str:
        verbs = (f"{verb}{phrase.removeprefix(start)}" for start, verb in self.words.infinitives if phrase.startswith(start))
        return next(verbs, phrase)


def _choose(pair: tuple[str, str], is_first: bool) -> str:
    return pair[0] if is_first else pair[1]


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


def _find_last_place(leaf: Compare, rank: Rank) -> int:
    """The last place that matches."""
    value = Fraction(str(leaf.value))
    return math.ceil(rank.customers * value / 100) if leaf.operator.endswith("percent") else int(value)


def _name(name: str | None, number: int) -> str:
    return quote(name or f"#{number}")
