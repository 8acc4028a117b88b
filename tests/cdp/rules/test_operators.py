"""The table of operators; interpreter and compiler know exactly these operators."""

from __future__ import annotations

import itertools

import pytest

from cdp.metrics import METRICS, Kind
from cdp.rules import OPERATORS
from cdp.rules.conditions import CONDITIONS
from cdp.rules.interpret import RANK_TESTS, TESTS
from cdp.rules.operators import BY_KEY, list_operators, list_value_operators
from cdp.rules.windows import CALENDAR

#: Their SQL is a range of days or a test for a value.
_WITHOUT_CONDITION = {
    "in_last_days", "more_than_days_ago", "days_ago_between", "anniversary_in_days", "is_set", "is_not_set",
}  # fmt: skip
KINDS: tuple[Kind, ...] = ("integer", "money", "number", "date", "text")


def test_keys_are_unique() -> None:
    assert len(BY_KEY) == len(OPERATORS)


def test_interpreter_and_compiler_know_every_operator() -> None:
    assert set(TESTS) | set(RANK_TESTS) == set(BY_KEY)
    assert set(RANK_TESTS) == {operator.key for operator in OPERATORS if operator.compares == "rank"}
    assert set(CONDITIONS) | set(CALENDAR) | _WITHOUT_CONDITION | set(RANK_TESTS) == set(BY_KEY)


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


@pytest.mark.parametrize("kind", KINDS)
def test_only_metrics_have_ranks(kind: Kind) -> None:
    assert {each.key for each in list_value_operators(kind)} == {each.key for each in list_operators(kind)} - set(RANK_TESTS)
