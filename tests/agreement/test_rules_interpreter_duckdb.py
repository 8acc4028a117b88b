"""The interpreter for one customer and the SQL for all customers select the same customers. Needs no server."""

from __future__ import annotations

import json

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp.metrics import Kind
from cdp.rules import All, Any, Compare, Not, Operator, Rule, check, decode, encode, matches, to_canonical, to_sql, to_where_sql
from tests.agreement.snapshot import CustomerTable
from tests.agreement.strategies import AS_OF, PAIRS, Customer, build_edge_customers, customers, leaves, rules

generated = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def select_by_interpreter(rule: Rule, people: list[Customer]) -> list[str]:
    return sorted(str(i) for i, customer in enumerate(people) if matches(rule, customer, AS_OF))


def select_by_duckdb(rule: Rule, snapshot: CustomerTable) -> list[str]:
    return snapshot.read_ids(to_sql(rule, AS_OF, table="customers"))


def select_by_spark_text(rule: Rule, snapshot: CustomerTable) -> list[str]:
    """The SQL for Spark, parsed as Spark's SQL and run in DuckDB: escapes and function names survive. Spark does not run."""
    text = to_sql(rule, AS_OF, table="customers", dialect="spark")
    return snapshot.read_ids(sqlglot.transpile(text, read="spark", write="duckdb")[0])


@pytest.mark.parametrize(("kind", "operator"), PAIRS, ids=lambda part: getattr(part, "key", part))
def test_every_operator_means_the_same_in_both(snapshot: CustomerTable, kind: Kind, operator: Operator) -> None:
    @settings(generated, max_examples=20)
    @given(people=customers(), rule=leaves(kind, operator))
    def agree(people: list[Customer], rule: Compare) -> None:
        people = [*people, *build_edge_customers(rule)]
        snapshot.load(people)
        assert select_by_duckdb(rule, snapshot) == select_by_interpreter(rule, people)

    agree()


@generated
@given(people=customers(), trees=st.lists(rules(), min_size=1, max_size=3))
def test_trees_name_the_same_customers(snapshot: CustomerTable, people: list[Customer], trees: list[Rule]) -> None:
    snapshot.load(people)
    for rule in trees:
        assert check(rule) == []
        expected = select_by_interpreter(rule, people)
        assert select_by_duckdb(rule, snapshot) == expected
        assert select_by_spark_text(rule, snapshot) == expected


@generated
@given(people=customers(), a=rules(), b=rules())
def test_complement_and_de_morgan(snapshot: CustomerTable, people: list[Customer], a: Rule, b: Rule) -> None:
    snapshot.load(people)
    everyone = [str(i) for i in range(len(people))]
    same: list[tuple[Rule, Rule]] = [
        (Not(All((a, b))), Any((Not(a), Not(b)))),
        (Not(Any((a, b))), All((Not(a), Not(b)))),
    ]
    for left, right in same:
        assert select_by_duckdb(left, snapshot) == select_by_duckdb(right, snapshot)
        assert select_by_interpreter(left, people) == select_by_interpreter(right, people)
    excluded_middle, contradiction = Any((a, Not(a))), All((a, Not(a)))
    assert select_by_duckdb(excluded_middle, snapshot) == select_by_interpreter(excluded_middle, people) == everyone
    assert select_by_duckdb(contradiction, snapshot) == select_by_interpreter(contradiction, people) == []


@generated
@given(people=customers(), rule=rules())
def test_the_condition_is_never_null(snapshot: CustomerTable, people: list[Customer], rule: Rule) -> None:
    snapshot.load(people)
    assert snapshot.read_ids(f"SELECT customer_id FROM customers WHERE ({to_where_sql(rule, AS_OF)}) IS NULL") == []


@generated
@given(people=customers(), rule=rules())
def test_the_document_and_the_canonical_form_keep_the_meaning(people: list[Customer], rule: Rule) -> None:
    assert decode(encode(rule)) == rule
    again = decode(json.loads(to_canonical(rule)))
    assert select_by_interpreter(again, people) == select_by_interpreter(rule, people)
    assert to_canonical(again) == to_canonical(rule)
