"""Both languages have a phrase for everything that a rule can say."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest

from cdp.metrics import METRICS
from cdp.metrics.vietnamese import VIETNAMESE_TITLES
from cdp.rules import Behaviour, Compare, Filter, Language, Operator, Rule, Sequence, Step, Window, check, to_sentence
from cdp.rules.behaviours import EVENT_FIELDS, EVENTS, MEASURES, SHARED_FIELDS
from cdp.rules.operators import BY_KEY, ValueKind, list_operators
from cdp.rules.phrases import Phrases
from cdp.rules.sentence import PHRASES
from cdp.rules.windows import WINDOW_KINDS

_VALUES: dict[ValueKind, object] = {
    "integer": 3, "money": Decimal("3.50"), "number": Decimal("0.5"), "date": date(2019, 10, 1), "text": "x", "days": 3,
    "count": 3, "percent": Decimal(3),
}  # fmt: skip
ACME = Filter("brand", "eq", "acme")


def make_value(operator: Operator, kind: ValueKind, choices: tuple[str, ...] = ()) -> object:
    one = choices[0] if choices else _VALUES[operator.value_kind(kind)]
    higher = one + 1 if isinstance(one, int) else one  # an hour from 3 to 3 would be the same as the hour 3
    return {"none": None, "one": one, "two": (one, higher), "many": (one,)}[operator.values]


def list_phrases(phrases: Phrases) -> Iterator[tuple[str, str]]:
    """Every phrase with its name, such as `operators.eq`."""
    for each in fields(phrases):
        value = getattr(phrases, each.name)
        parts: Mapping[object, object] = (
            value if isinstance(value, Mapping) else dict(enumerate(value)) if isinstance(value, tuple) else {"": value}
        )
        for key, part in parts.items():
            for n, text in enumerate(part if isinstance(part, tuple) else (part,)):
                yield f"{each.name}.{key}.{n}", text


def list_places(phrase: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None)


ENGLISH, VIETNAMESE = (dict(list_phrases(PHRASES[language])) for language in ("en", "vi"))


def test_both_languages_have_the_same_phrases_with_the_same_places() -> None:
    assert {name: list_places(text) for name, text in VIETNAMESE.items()} == {
        name: list_places(text) for name, text in ENGLISH.items()
    }


def test_no_phrase_is_left_in_english() -> None:
    same = {name for name, text in VIETNAMESE.items() if text == ENGLISH[name] and any(map(str.isalpha, text))}
    assert same == set()


def test_vietnamese_is_written_with_composed_letters() -> None:
    texts = [*VIETNAMESE.values(), *VIETNAMESE_TITLES.values()]
    assert [text for text in texts if unicodedata.normalize("NFC", text) != text] == []


def test_the_phrases_have_the_keys_of_the_tables() -> None:
    phrases = PHRASES["en"]
    measure_operators = {operator.key for measure in MEASURES for operator in measure.operators}
    product_fields = {each.key for each in EVENT_FIELDS} - {"weekday", "hour"}
    expected: dict[str, set[str]] = {
        "operators": set(BY_KEY), "amounts": measure_operators, "did": set(EVENTS), "did_not": set(EVENTS), "wholes": set(EVENTS),
        "measures": {each.key for each in MEASURES}, "fields": product_fields, "windows": {each.key for each in WINDOW_KINDS},
        "weekday": {each.key for each in EVENT_FIELDS[-2].operators}, "hour": {each.key for each in EVENT_FIELDS[-1].operators},
        "same": set(SHARED_FIELDS),
    }  # fmt: skip
    assert {name: set(getattr(phrases, name)) for name in expected} == expected


@pytest.mark.parametrize("operator", BY_KEY.values(), ids=lambda operator: operator.key)
def test_an_operator_has_a_place_for_each_text(operator: Operator) -> None:
    places = {"none": 0, "one": 1, "two": 2, "many": 1}[operator.values]
    assert len(list_places(PHRASES["en"].operators[operator.key])) == places


def list_rules() -> Iterator[Rule]:
    """Every metric, measure and field with every operator, and every window, event and shared field."""
    for metric in METRICS:
        for operator in list_operators(metric.kind):
            yield Compare(metric.key, operator.key, make_value(operator, metric.kind, metric.choices))  # type: ignore[arg-type]
    for measure in MEASURES:
        for operator in measure.operators:
            for event in measure.events:
                yield Behaviour(Step(event, (ACME,)), measure.key, operator.key, make_value(operator, measure.kind))  # type: ignore[arg-type]
    for field in EVENT_FIELDS:
        for operator in field.operators:
            each = Filter(field.key, operator.key, make_value(operator, field.kind))  # type: ignore[arg-type]
            yield Behaviour(Step("view", (each,)), "events", "ge", 1)
    for kind in WINDOW_KINDS:
        value = _VALUES[kind.takes] if kind.takes else None
        window = Window(kind.key, {"none": (), "one": (value,), "two": (value, value)}[kind.values])  # type: ignore[arg-type]
        yield Behaviour(Step("view"), "events", "ge", 1, window)
    for same in ("", *SHARED_FIELDS):
        for follows in (True, False):
            yield Sequence(Step("cart"), Step("purchase"), follows, 2, same)


@pytest.mark.parametrize("language", PHRASES)
def test_everything_that_a_rule_can_say_has_a_sentence_of_its_own(language: Language) -> None:
    sentences: dict[str, Rule] = {}
    for rule in list_rules():
        assert check(rule) == []
        sentence = to_sentence(rule, language=language)
        assert not set("{}") & set(sentence)
        assert "  " not in sentence
        other = sentences.setdefault(sentence, rule)
        assert other == rule or _mean_the_same(other, rule), sentence


def _mean_the_same(one: Rule, other: Rule) -> bool:
    """A first day exists exactly if a last one does."""
    match one, other:
        case Behaviour(step, "first_day", "is_set" | "is_not_set"), Behaviour(_, "last_day"):
            return step == other.step and one.operator == other.operator
    return False
