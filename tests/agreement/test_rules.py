"""One rule has one meaning: interpreter and DuckDB select the same customers. test_rules_spark.py adds Spark."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from cdp.metrics import Kind
from cdp.rules import All, Any, Compare, Compiler, Not, Operator, Rule, Source, check, decode, encode, to_canonical
from cdp.rules.behaviours import EventField, Measure
from cdp.rules.tree import Behaviour, Filter, Step
from tests.agreement.snapshot import DuckTables
from tests.agreement.strategies import (
    AS_OF,
    FILTER_PAIRS,
    MEASURE_PAIRS,
    PAIRS,
    World,
    behaviours,
    build_edge_customers,
    filters,
    leaves,
    recommended,
    rules,
    sequences,
    worlds,
    worlds_with_segments,
)
from tests.examples import limit_examples

generated = settings(max_examples=limit_examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
few = settings(generated, max_examples=limit_examples(8))


def _key(part: object) -> object:
    return getattr(part, "key", part)


@pytest.mark.parametrize(("kind", "operator"), PAIRS, ids=_key)
def test_every_operator_means_the_same(duck: DuckTables, kind: Kind, operator: Operator) -> None:
    @few
    @given(world=worlds(), rule=leaves(kind, operator))
    def agree(world: World, rule: Compare) -> None:
        edges = build_edge_customers(rule)
        world = World([*world.customers, *edges], [*world.interactions, *([] for _ in edges)])
        duck.load(world)
        assert duck.select(rule) == world.select(rule)

    agree()


@pytest.mark.parametrize(("measure", "operator"), MEASURE_PAIRS, ids=_key)
def test_every_measure_means_the_same(duck: DuckTables, measure: Measure, operator: Operator) -> None:
    @few
    @given(world=worlds(), rule=behaviours(measure, operator))
    def agree(world: World, rule: Behaviour) -> None:
        assert check(rule) == []
        duck.load(world)
        assert duck.select(rule) == world.select(rule)

    agree()


@pytest.mark.parametrize(("field", "operator"), FILTER_PAIRS, ids=_key)
def test_every_filter_means_the_same(duck: DuckTables, field: EventField, operator: Operator) -> None:
    @few
    @given(world=worlds(), each=filters(field, operator))
    def agree(world: World, each: Filter) -> None:
        rule = Behaviour(Step("any", (each,)), "events", "ge", 2)
        duck.load(world)
        assert duck.select(rule) == world.select(rule)

    agree()


@generated
@given(world=worlds(), rule=sequences)
def test_sequences_mean_the_same(duck: DuckTables, world: World, rule: Rule) -> None:
    assert check(rule) == []
    duck.load(world)
    assert duck.select(rule) == world.select(rule)


@generated
@given(world=worlds(), rule=recommended)
def test_recommendations_mean_the_same(duck: DuckTables, world: World, rule: Rule) -> None:
    assert check(rule) == []
    duck.load(world)
    assert duck.select(rule) == world.select(rule)


@generated
@given(world=worlds_with_segments(), trees=st.lists(rules(), min_size=1, max_size=5))
def test_trees_select_the_same_customers(duck: DuckTables, world: World, trees: list[Rule]) -> None:
    duck.load(world)
    for rule in trees:
        assert check(rule) == []
        assert duck.select(rule) == world.select(rule)


@generated
@given(world=worlds_with_segments(), a=rules(), b=rules())
def test_complement_and_de_morgan(duck: DuckTables, world: World, a: Rule, b: Rule) -> None:
    duck.load(world)
    everyone = [str(i) for i in range(len(world.customers))]
    same: list[tuple[Rule, Rule]] = [
        (Not(All((a, b))), Any((Not(a), Not(b)))),
        (Not(Any((a, b))), All((Not(a), Not(b)))),
    ]
    for left, right in same:
        assert duck.select(left) == duck.select(right)
        assert world.select(left) == world.select(right)
    excluded_middle, contradiction = Any((a, Not(a))), All((a, Not(a)))
    assert duck.select(excluded_middle) == world.select(excluded_middle) == everyone
    assert duck.select(contradiction) == world.select(contradiction) == []


@generated
@given(world=worlds_with_segments(), rule=rules())
def test_the_condition_is_never_null(duck: DuckTables, world: World, rule: Rule) -> None:
    duck.load(world)
    compiler = Compiler(Source(AS_OF, segments=world.segments))
    is_null = exp.Paren(this=compiler.build_condition(rule)).is_(exp.null())
    query = compiler.add_subqueries(compiler.select_customers(["customer_id"]).where(is_null))
    assert duck.read_ids(compiler.to_text(query)) == []


@generated
@given(world=worlds_with_segments(), rule=rules())
def test_the_document_and_the_canonical_form_keep_the_meaning(world: World, rule: Rule) -> None:
    assert decode(encode(rule)) == rule
    again = decode(json.loads(to_canonical(rule)))
    assert world.select(again) == world.select(rule)
    assert to_canonical(again) == to_canonical(rule)
