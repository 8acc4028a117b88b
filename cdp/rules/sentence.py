"""A rule in plain words. Brackets appear only where and, or and not would be misread."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Metric
from cdp.rules.behaviours import FIELDS_BY_KEY, MEASURES_BY_KEY
from cdp.rules.check import require_valid
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.phrases import PHRASES, Language, Phrases
from cdp.rules.tree import (
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Leaf,
    Not,
    Rule,
    Scalar,
    Sequence,
    Step,
    Window,
)
from cdp.rules.values import decimal_text

_MAX_VALUES = 5  # values of a list that the sentence lists


@dataclass(frozen=True, slots=True)
class Names:
    """The names of segments and lists that a sentence mentions; the id stands in for a name that is missing."""

    segments: Mapping[int, str] = field(default_factory=dict)
    lists: Mapping[int, str] = field(default_factory=dict)


_NO_NAMES = Names()


def to_sentence(rule: Rule, names: Names = _NO_NAMES, language: Language = "en") -> str:
    """ "orders is at least 2 and revenue is more than 100.00". Raises RuleError for a rule that does not pass `check`."""
    require_valid(rule)
    return _Writer(PHRASES[language], names, _TITLES[language]).describe(rule)


@dataclass(frozen=True, slots=True)
class _Writer:
    phrases: Phrases
    names: Names
    title: Callable[[Metric], str]

    def describe(self, rule: Rule) -> str:
        match rule:
            case All((only,)) | Any((only,)):
                return self.describe(only)
            case All(children):
                parts = (f"({self.describe(child)})" if _is_any(child) else self.describe(child) for child in children)
                return self.phrases.and_.join(parts)
            case Any(children):
                word = self.phrases.or_after_and if any(map(_is_all, children)) else self.phrases.or_
                return word.join(map(self.describe, children))
            case Not(child):
                return self._describe_complement(child)
            case _:
                return self._describe_leaf(rule)

    def _describe_complement(self, child: Rule) -> str:
        match _unwrap(child):
            case InSegment(segment_id):
                return self.phrases.not_in_segment.format(_name(self.names.segments, segment_id))
            case InList(list_id):
                return self.phrases.not_in_list.format(_name(self.names.lists, list_id))
        return self.phrases.not_.format(self.describe(child))

    def _describe_leaf(self, leaf: Leaf) -> str:
        match leaf:
            case Compare(key):
                metric = METRICS[key]
                return f"{self.title(metric)} {self._describe_comparison(leaf, metric.kind)}"
            case Behaviour():
                return self._describe_behaviour(leaf)
            case Sequence():
                return self._describe_sequence(leaf)
            case InSegment(segment_id):
                return self.phrases.is_in_segment.format(_name(self.names.segments, segment_id))
            case InList(list_id):
                return self.phrases.is_in_list.format(_name(self.names.lists, list_id))

    def _describe_behaviour(self, leaf: Behaviour) -> str:
        filters, window = self._describe_filters(leaf.step), self._describe_window(leaf.window)
        match leaf.measure, leaf.operator, leaf.value:
            case "events", "ge", 1:
                return f"{self.phrases.did[leaf.step.event]}{filters}{window}"
            case "events", "eq", 0:
                return f"{self.phrases.did_not[leaf.step.event]}{filters}{window}"
            case "events", "ge", count:
                did = f"{self.phrases.did[leaf.step.event]}{filters}"
                return self.phrases.at_least.format(did=did, count=count) + window
        did = f"{self.phrases.did[leaf.step.event]}{filters}{window}"
        subject = self.phrases.measures[leaf.measure].format(did)
        return f"{subject} {self._describe_comparison(leaf, MEASURES_BY_KEY[leaf.measure].kind)}"

    def _describe_sequence(self, leaf: Sequence) -> str:
        did = self.phrases.did if leaf.follows else self.phrases.did_not
        first = f"{self.phrases.did[leaf.first.event]}{self._describe_filters(leaf.first)}{self._describe_window(leaf.window)}"
        return self.phrases.then.format(
            first=first,
            then=f"{did[leaf.then.event]}{self._describe_filters(leaf.then)}",
            days=self._format_value(leaf.within_days, "days"),
            same=self.phrases.same[leaf.same] if leaf.same else "",
        )

    def _describe_filters(self, step: Step) -> str:
        texts = [self._describe_filter(each) for each in step.filters]
        return f" {self.phrases.and_.join(texts)}" if texts else ""

    def _describe_filter(self, each: Filter) -> str:
        kind = FIELDS_BY_KEY[each.field].kind
        return self.phrases.fields[each.field].format(self._describe_comparison(each, kind, each.field == "weekday"))

    def _describe_window(self, window: Window) -> str:
        texts = [self._format_value(value, "days" if isinstance(value, int) else "date") for value in window.values]
        phrase = self.phrases.windows[window.kind].format(*texts)
        return f" {phrase}" if phrase else ""

    def _describe_comparison(self, leaf: Compare | Behaviour | Filter, kind: ValueKind, are_weekdays: bool = False) -> str:
        operator = OPERATORS[leaf.operator]
        texts = [
            self.phrases.weekdays[value - 1] if are_weekdays and isinstance(value, int) else self._format_value(value, value_kind)
            for value in leaf.values
            for value_kind in (operator.value_kind(kind),)
        ]
        if operator.values == "many":
            texts = [self._format_list(texts)]
        return self.phrases.operators[leaf.operator].format(*texts)

    def _format_value(self, value: Scalar, kind: ValueKind) -> str:
        if kind == "days":
            return self.phrases.days[value != 1].format(value)
        if kind == "percent" and isinstance(value, int | Decimal):
            return self.phrases.percent.format(format(Decimal(value).normalize(), "f"))
        if kind in ("money", "number") and isinstance(value, int | Decimal):
            return decimal_text(Decimal(value))
        if isinstance(value, date):
            return value.isoformat()
        return json.dumps(value, ensure_ascii=False)

    def _format_list(self, texts: list[str]) -> str:
        rest = len(texts) - _MAX_VALUES
        shown = [*texts[:_MAX_VALUES], *([self.phrases.more.format(rest)] if rest > 0 else [])]
        return f"({', '.join(shown)})"


def _name(names: Mapping[int, str], number: int) -> str:
    return json.dumps(names.get(number, f"#{number}"), ensure_ascii=False)


def _is_any(rule: Rule) -> bool:
    return isinstance(_unwrap(rule), Any)


def _is_all(rule: Rule) -> bool:
    return isinstance(_unwrap(rule), All)


def _unwrap(rule: Rule) -> Rule:
    while isinstance(rule, All | Any) and len(rule.children) == 1:
        rule = rule.children[0]
    return rule


def _format_title(metric: Metric) -> str:
    """The title inside a sentence: "orders in the last 30 days". An abbreviation keeps its capitals."""
    is_abbreviation = metric.title[:2].isupper()
    title = metric.title if is_abbreviation else metric.title[:1].lower() + metric.title[1:]
    return title.replace(", last ", " in the last ") if metric.window else title


_TITLES: Mapping[Language, Callable[[Metric], str]] = {"en": _format_title}
