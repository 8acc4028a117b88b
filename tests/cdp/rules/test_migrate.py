"""The older, flat form of a rule."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cdp.metrics import METRICS, Kind
from cdp.rules import MAX_LEAVES, All, Any, Compare, RuleError, decode
from cdp.rules.operators import list_operators


def condition(field: str = "views", operator: object = ">=", value: object = 1, **more: object) -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value, **more}


VIEWS = Compare("views", "ge", 1)


def test_conditions_joined_by_and_become_all() -> None:
    document = {
        "logic": "AND",
        "conditions": [
            condition("total_purchase", ">=", "2", type="int"),
            condition("total_purchase_value", ">", "12.50", type="number"),
            condition("lifecycle", "=", "new", type="string"),
        ],
    }
    assert decode(document) == All(
        (
            Compare("total_purchase", "ge", 2),
            Compare("total_purchase_value", "gt", Decimal("12.50")),
            Compare("lifecycle", "eq", "new"),
        )
    )


def test_conditions_joined_by_or_become_any() -> None:
    assert decode({"logic": "or", "conditions": [condition(), condition()]}) == Any((VIEWS, VIEWS))


def test_a_bare_list_contains_its_joining_words() -> None:
    assert decode([condition(), "OR", condition()]) == Any((VIEWS, VIEWS))
    assert decode([condition()]) == All((VIEWS,))


def test_one_condition_needs_no_logic() -> None:
    assert decode({"conditions": [condition()]}) == All((VIEWS,))


@pytest.mark.parametrize(
    ("symbol", "field", "operator"),
    [
        ("=", "views", "eq"), ("==", "views", "eq"), ("!=", "views", "ne"), ("<>", "views", "ne"), ("<", "views", "lt"),
        ("<=", "views", "le"), (">", "views", "gt"), (">=", "views", "ge"), ("ge", "views", "ge"),
        ("=", "last_seen", "on"), ("!=", "last_seen", "not_on"), ("<", "last_seen", "before"),
        ("<=", "last_seen", "on_or_before"),
        (">", "last_seen", "after"), (">=", "last_seen", "on_or_after"),
        ("=", "lifecycle", "eq"), ("Contains", "lifecycle", "contains"), ("starts  with", "lifecycle", "starts_with"),
    ],
)  # fmt: skip
def test_a_symbol_means_the_operator_of_the_fields_kind(symbol: str, field: str, operator: str) -> None:
    value = {"views": 1, "last_seen": "2019-10-31", "lifecycle": "new"}[field]
    migrated = decode([condition(field, symbol, value)])
    assert isinstance(migrated, All)
    assert isinstance(migrated.children[0], Compare)
    assert migrated.children[0].operator == operator


KINDS: tuple[Kind, ...] = ("integer", "money", "number", "date", "text")


@pytest.mark.parametrize("kind", KINDS)
def test_every_operator_is_read_by_its_symbol_and_its_key(kind: Kind) -> None:
    field = next(metric.key for metric in METRICS if metric.kind == kind)
    for operator in list_operators(kind):
        for name in (operator.symbol, operator.key, operator.symbol.upper(), f" {operator.symbol} "):
            assert decode([{"field": field, "operator": name}]) == All((Compare(field, operator.key),))


def test_whole_numbers_may_be_text() -> None:
    assert decode([condition("views", "top", "10")]) == All((Compare("views", "top", 10),))
    assert decode([condition("views", "bottom %", "5")]) == All((Compare("views", "bottom_percent", Decimal(5)),))
    assert decode([condition("last_seen", "days ago between", ["3", "5"])]) == All(
        (Compare("last_seen", "days_ago_between", (3, 5)),)
    )
    assert decode([condition("views", "between", ["1", 5])]) == All((Compare("views", "between", (1, 5)),))
    assert decode([condition("last_seen", "in_last_days", "30")]) == All((Compare("last_seen", "in_last_days", 30),))
    assert decode([condition("last_seen", "=", "2019-10-31")]) == All((Compare("last_seen", "on", date(2019, 10, 31)),))


def test_a_deep_value_is_refused() -> None:
    deep: object = "1"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RuleError, match="must be a number or a text, not a list"):
        decode([condition(value=deep)])


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        ([], "conditions", "AND or OR between them"),
        ([condition(), "AND"], "conditions", "AND or OR between them"),
        ([condition(), condition(), condition()], "conditions[1]", "must be AND or OR"),
        ([condition(), "AND", condition(), "XOR", condition()], "conditions[3]", "must be AND or OR"),
        ([condition(), "AND", condition("viws")], "conditions[2].field", "did you mean 'views'?"),
        ({"logic": "AND", "conditions": [condition(), condition("viws")]}, "conditions[1].field", "did you mean 'views'?"),
        (
            [condition(), "AND", condition(), "OR", condition()],
            "conditions",
            "mixes AND and OR, which can be read two ways; use groups.",
        ),
        ({"conditions": {}}, "conditions", "must be a list"),
        ({"conditions": [condition(), condition()]}, "logic", "say AND or OR"),
        ({"logic": "XOR", "conditions": []}, "logic", "not 'XOR'"),
        ({"logic": "AND", "conditions": [], "rule": {}}, "document", "'rule' is not known here"),
        ([{"field": "views"}], "conditions[0]", "'operator' is missing"),
        ([condition(extra=1)], "conditions[0]", "'extra' is not known here"),
        ([condition("viws")], "conditions[0].field", "did you mean 'views'?"),
        ([condition(operator="=>")], "conditions[0].operator", "is not known"),
        ([condition(operator=5)], "conditions[0].operator", "5 is not known"),
        ([condition(operator="contains")], "conditions[0].operator", "is not known"),
        ([condition(type="date")], "conditions[0].type", "kind integer"),
        ([condition(type="blob")], "conditions[0].type", "is not known"),
        ([condition(type="Date")], "conditions[0].type", "kind integer"),
        ([condition(value=True)], "rule.all[0].metric.value", "not true"),
        # Metrics only: the older form has no groups and no other leaves.
        ([{"behaviour": {"event": "cart", "did": True}}], "conditions[0]", "'behaviour' is not known here"),
        ([{"metric": condition()}], "conditions[0]", "'metric' is not known here"),
        ([{"segment": {"id": 1}}], "conditions[0]", "'segment' is not known here"),
        ([{"list": {"id": 1}}], "conditions[0]", "'list' is not known here"),
        ([{"logic": "AND", "conditions": [condition()]}], "conditions[0]", "'logic' is not known here"),
        ([condition("brand")], "conditions[0].field", "'brand' is not known"),
        ([condition("lifecycle", "top", 5)], "conditions[0].operator", "'top' is not known"),
        ({"logic": "AND", "conditions": [condition()] * (MAX_LEAVES + 1)}, "conditions", "are more than 200"),
    ],
)
def test_an_unreadable_rule_is_refused_with_its_path(document: object, path: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        decode(document)
    assert caught.value.path == path
    assert says in caught.value.says
