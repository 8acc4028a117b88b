"""Rules from and to JSON documents."""

from __future__ import annotations

import contextlib
import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.rules import MAX_DEPTH, All, Any, Compare, Not, Rule, RuleError, check, decode, encode

GOOD = {
    "version": 1,
    "rule": {
        "all": [
            {"metric": {"field": "total_purchase", "operator": "ge", "value": 2}},
            {"any": [{"metric": {"field": "total_purchase_value", "operator": "between", "value": ["12.50", "99.00"]}}]},
            {"not": {"metric": {"field": "last_order", "operator": "before", "value": "2019-10-31"}}},
            {"metric": {"field": "last_order", "operator": "in_last_days", "value": 30}},
            {"metric": {"field": "lifecycle", "operator": "in", "value": ["new", "lapsed"]}},
            {"metric": {"field": "last_seen", "operator": "is_set"}},
        ]
    },
}


def node(value: object) -> dict[str, object]:
    return {"version": 1, "rule": value}


def leaf(value: object, field: str = "views", operator: str = "ge") -> dict[str, object]:
    return node({"metric": {"field": field, "operator": operator, "value": value}})


def test_a_document_becomes_a_tree() -> None:
    assert decode(GOOD) == All(
        (
            Compare("total_purchase", "ge", 2),
            Any((Compare("total_purchase_value", "between", (Decimal("12.50"), Decimal(99))),)),
            Not(Compare("last_order", "before", date(2019, 10, 31))),
            Compare("last_order", "in_last_days", 30),
            Compare("lifecycle", "in", ("new", "lapsed")),
            Compare("last_seen", "is_set"),
        )
    )


def test_a_document_survives_a_round_trip() -> None:
    assert json.loads(json.dumps(encode(decode(GOOD)))) == GOOD


def test_an_amount_is_read_from_text_or_number_and_written_as_text() -> None:
    for amount in ("12.50", 12.5, Decimal("12.5")):
        rule = decode(leaf(amount, "total_purchase_value"))
        assert rule == Compare("total_purchase_value", "ge", Decimal("12.50"))
        assert encode(rule) == leaf("12.50", "total_purchase_value")


def test_a_missing_value_and_null_are_the_same() -> None:
    assert decode(leaf(None, operator="is_set")) == Compare("views", "is_set", None)


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        (None, "document", "must be an object"),
        ("x", "document", "must be an object"),
        ({}, "document", "'version' is missing"),
        ({"version": 1}, "document", "'rule' is missing"),
        ({"version": 1, "rule": {}, "note": ""}, "document", "'note' is not known here"),
        ({"version": 2, "rule": {}}, "version", "reads version 1"),
        ({"version": True, "rule": {}}, "version", "is true"),
        (node([]), "rule", "exactly one of all, any, not, metric"),
        (node({}), "rule", "exactly one of"),
        (node({"all": [], "any": []}), "rule", "exactly one of"),
        (node({"al": []}), "rule", "'al' is not a kind of rule; did you mean 'all'?"),
        (node({"all": {}}), "rule.all", "must be a list, not an object"),
        (node({"all": [{"not": []}]}), "rule.all[0].not", "exactly one of"),
        (node({"metric": 5}), "rule.metric", "must be an object, not 5"),
        (node({"metric": {"field": "views"}}), "rule.metric", "'operator' is missing"),
        (node({"metric": {"field": 1, "operator": "ge"}}), "rule.metric.field", "must be a text, not 1"),
        (node({"metric": {"field": "views", "operator": None}}), "rule.metric.operator", "must be a text, not null"),
        (node({"metric": {"field": "views", "operator": "ge", "valu": 1}}), "rule.metric", "did you mean 'value'?"),
        (node({"all": [{"any": []}, leaf(True)["rule"]]}), "rule.all[1].metric.value", "not true"),
        (node({"any": [{"not": leaf(True)["rule"]}]}), "rule.any[0].not.metric.value", "not true"),
        (leaf(float("nan")), "rule.metric.value", "must be a finite number, not NaN"),
        (leaf(float("inf")), "rule.metric.value", "must be a finite number"),
        (leaf(Decimal("sNaN")), "rule.metric.value", "must be a finite number"),
        (leaf({}), "rule.metric.value", "not an object"),
        (leaf([1, [2]]), "rule.metric.value[1]", "not a list"),
        (leaf([1, None]), "rule.metric.value[1]", "not null"),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_refused_with_its_path(document: object, path: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        decode(document)
    assert caught.value.path == path
    assert says in caught.value.says


@pytest.mark.parametrize(
    "bad", [leaf("two"), leaf("2"), leaf(2.5), leaf("12.505", "total_purchase_value"), leaf(1, "viws"), leaf(1, "views", "gt_")]
)
def test_invalid_content_is_left_to_check(bad: object) -> None:
    assert len(check(decode(bad))) == 1


def test_a_document_too_deep_is_refused_before_it_is_read() -> None:
    deep: object = {"metric": {"field": "views", "operator": "ge", "value": 1}}
    for level in range(MAX_DEPTH - 1):
        deep = ({"all": [deep]}, {"any": [deep]}, {"not": deep})[level % 3]
    decode(node(deep))
    for _ in range(100_000):
        deep = {"all": [deep]}
    with pytest.raises(RuleError, match="nested deeper than 20 levels"):
        decode(node(deep))


@pytest.mark.parametrize("kind", ["all", "any", "not"])
def test_each_kind_of_node_goes_one_level_down(kind: str) -> None:
    deep: object = {"metric": {"field": "views", "operator": "ge", "value": 1}}
    for _ in range(MAX_DEPTH):
        deep = {kind: deep if kind == "not" else [deep]}
    with pytest.raises(RuleError, match="nested deeper than 20 levels") as caught:
        decode(node(deep))
    assert caught.value.path == "rule" + (".not" if kind == "not" else f".{kind}[0]") * MAX_DEPTH


def test_a_rule_too_deep_is_not_written() -> None:
    rule: Rule = Compare("views", "ge", 1)
    for _ in range(100_000):
        rule = Not(rule)
    with pytest.raises(RuleError, match="nested deeper"):
        encode(rule)


def test_a_deep_value_is_refused() -> None:
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RuleError):
        decode(leaf(deep))


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["views", "ge", "AND", "lifecycle", "is_set"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["version", "rule", "all", "any", "not", "metric", "field", "operator", "value", "conditions", "logic", "type"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(_json)
def test_any_json_is_a_rule_that_can_be_checked_or_a_rule_error(raw: object) -> None:
    for document in (raw, node(raw), leaf(raw)):
        with contextlib.suppress(RuleError):
            rule = decode(document)
            check(rule)
            encode(rule)
