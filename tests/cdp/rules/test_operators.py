"""The table of operators; interpreter and compiler know exactly these operators."""

from __future__ import annotations

import itertools

import pytest

from cdp.metrics import METRICS, Kind
from cdp.rules import OPERATORS, Operator
from cdp.rules.compile import CONDITIONS
from cdp.rules.interpret import TESTS
from cdp.rules.operators import BY_KEY, list_operators

KINDS: tuple[Kind, ...] = ("integer", "money", "number", "date", "text")


def test_keys_are_unique() -> None:
    assert len(BY_KEY) == len(OPERATORS)


def test_interpreter_and_compiler_know_every_operator() -> None:
    assert set(TESTS) == set(BY_KEY)
    assert set(CONDITIONS) | {"is_set", "is_not_set"} == set(BY_KEY)


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_symbols_tell_the_operators_of_a_kind_apart(kind: Kind) -> None:
    for one, other in itertools.combinations(list_operators(kind), 2):
        assert {one.symbol, one.key}.isdisjoint({other.symbol, other.key})
        assert one.label != other.label


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_comparisons_and_tests_for_a_value(kind: Kind) -> None:
    keys = {operator.key for operator in list_operators(kind)}
    assert {"is_set", "is_not_set"} < keys
    assert keys & {"eq", "on"}


def test_every_kind_of_the_catalogue_has_operators() -> None:
    assert {metric.kind for metric in METRICS} <= set(KINDS)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.key)
def test_the_phrase_has_a_placeholder_for_every_value(operator: Operator) -> None:
    places = {"none": 0, "one": 1, "two": 2, "many": 1}[operator.values]
    assert operator.phrase.count("{}") == places
