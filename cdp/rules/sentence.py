"""A rule in plain words. Brackets appear only where and, or and not would be misread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Metric
from cdp.metrics.vietnamese import VIETNAMESE_CHOICES, VIETNAMESE_TITLES
from cdp.rules.check import require_valid
from cdp.rules.names import NO_NAMES, WHOLE_WORDS, Names, get_recommended_field, quote
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.phrases import Language, Phrases
from cdp.rules.phrases_english import ENGLISH
from cdp.rules.phrases_vietnamese import VIETNAMESE
from cdp.rules.sentence_behaviours import BehaviourWriter, negate
from cdp.rules.tree import All, Any, Behaviour, Compare, InList, InSegment, Leaf, Not, Recommended, Rule, Scalar, Sequence

PHRASES: Mapping[Language, Phrases] = {"en": ENGLISH, "vi": VIETNAMESE}
_TITLES: Mapping[Language, Mapping[str, str]] = {
    "en": {key: metric.title for key, metric in METRICS.items()},
    "vi": VIETNAMESE_TITLES,
}
_CHOICES: Mapping[Language, Mapping[str, str]] = {"en": {}, "vi": VIETNAMESE_CHOICES}


def to_sentence(rule: Rule, names: Names = NO_NAMES, language: Language = "en") -> str:
    """ "orders is at least 2 and revenue is more than 100.00". Raises RuleError for a rule that does not pass `check`."""
    require_valid(rule)
    return _Writer(PHRASES[language], names, _TITLES[language], language).describe(rule)


def format_title(field: str, language: Language = "en") -> str:
    """The title of a metric inside a sentence."""
    return _Writer(PHRASES[language], NO_NAMES, _TITLES[language], language).format_title(METRICS[field])


def localize_values(metric: Metric, values: tuple[Scalar, ...], language: Language) -> tuple[Scalar, ...]:
    """The words of the language for the choices of a metric; other values stay as they are."""
    return tuple(_CHOICES[language].get(str(value), value) for value in values) if metric.choices else values


@dataclass(frozen=True, slots=True)
class _Writer:
    phrases: Phrases
    names: Names
    titles: Mapping[str, str]
    language: Language

    def describe(self, rule: Rule) -> str:
        match rule:
            case All((only,)) | Any((only,)):
                return self.describe(only)
            case All(children):
                parts = (f"({self.describe(child)})" if _is_any(child) else self.describe(child) for child in children)
                return self.phrases.and_.join(parts)
            case Any(children):
                texts = list(map(self.describe, children))
                word = self.phrases.or_after_and if any(map(_has_and, children, texts)) else self.phrases.or_
                return word.join(texts)
            case Not(child):
                return self._describe_complement(_unwrap(child))
            case _:
                return self._describe_leaf(rule)

    def _describe_complement(self, child: Rule) -> str:
        match child:
            case InSegment(segment_id):
                return self.phrases.not_in_segment.format(_name(self.names.segments, segment_id))
            case InList(list_id):
                return self.phrases.not_in_list.format(_name(self.names.lists, list_id))
            case Recommended():
                return self._describe_recommended(child, self.phrases.not_recommended)
            case Behaviour() if opposite := negate(child):
                return self._describe_leaf(opposite)
        return self.phrases.not_.format(self.describe(child))

    def _describe_leaf(self, leaf: Leaf) -> str:
        match leaf:
            case Compare():
                return self._describe_comparison(leaf)
            case Behaviour():
                return BehaviourWriter(self.phrases, self.names).describe_behaviour(leaf)
            case Sequence():
                return BehaviourWriter(self.phrases, self.names).describe_sequence(leaf)
            case InSegment(segment_id):
                return self.phrases.is_in_segment.format(_name(self.names.segments, segment_id))
            case InList(list_id):
                return self.phrases.is_in_list.format(_name(self.names.lists, list_id))
            case Recommended():
                return self._describe_recommended(leaf, self.phrases.recommended)

    def _describe_recommended(self, leaf: Recommended, phrases: Mapping[str, str]) -> str:
        names = self.names.find_texts(get_recommended_field(leaf), "in", leaf.values)
        (listed,) = self.phrases.format_values(leaf.values, "text", OPERATORS["in"], names=names)
        one = names.get(leaf.values[0]) or quote(leaf.values[0])
        what = one if len(leaf.values) == 1 else self.phrases.one_of.format(listed)
        return phrases[leaf.what].format(what, self.phrases.describe_places(leaf.places))

    def _describe_comparison(self, leaf: Compare) -> str:
        metric, operator = METRICS[leaf.field], OPERATORS[leaf.operator]
        is_word = operator.key in WHOLE_WORDS
        values = localize_values(metric, leaf.values, self.language) if is_word else leaf.values
        names = self.names.find_texts(leaf.field, leaf.operator, values)
        texts = self.phrases.format_values(values, metric.kind, operator, names=names)
        return f"{self.format_title(metric)} {self.phrases.operators[leaf.operator].format(*texts)}"

    def format_title(self, metric: Metric) -> str:
        """The title inside a sentence: "orders in the last 30 days". An abbreviation keeps its capitals."""
        title = self.titles[metric.key]
        if not title[:2].isupper():
            title = title[:1].lower() + title[1:]
        return title.replace(*self.phrases.title_window) if metric.window else title


def _name(names: Mapping[int, str], number: int) -> str:
    return quote(names.get(number, f"#{number}"))


def _is_any(rule: Rule) -> bool:
    return isinstance(_unwrap(rule), Any)


def _has_and(rule: Rule, text: str) -> bool:
    """Whether the text has an "and" or a comma of its own."""
    inner = _unwrap(rule)
    return isinstance(inner, All | Sequence) or (isinstance(inner, Behaviour) and ", " in text)


def _unwrap(rule: Rule) -> Rule:
    while isinstance(rule, All | Any) and len(rule.children) == 1:
        rule = rule.children[0]
    return rule
