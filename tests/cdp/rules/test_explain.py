"""Every node of a rule for one customer, with its values, and what would have to change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cdp.metrics import BY_KEY as METRICS
from cdp.rules import Facts, Interaction, Names, Rank, decode
from cdp.rules.behaviours import MEASURES_BY_KEY
from cdp.rules.explain import Explanation, SequenceDays, StepDays, explain
from cdp.rules.explain_phrases import EXPLAIN_PHRASES
from cdp.rules.explain_words import describe_actual, describe_change, describe_target
from cdp.rules.phrases import Language

DAY = date(2019, 11, 30)
NAMES = Names({7: "VIP"}, {3: "Staff"})


def is_(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"metric": {"field": field, "operator": operator, **({} if value is None else {"value": value})}}


def run(node: dict[str, Any], **facts: Any) -> Explanation:
    return explain(decode({"version": 1, "rule": node}), Facts(DAY, facts.pop("metrics", {}), **facts), NAMES)


def describe_changes(explanation: Explanation, language: Language = "en") -> list[str]:
    actual = {node.path: node.actual for node in explanation.nodes}
    return [describe_change(change, actual[change.path], NAMES, language) for change in explanation.changes]


def test_nodes_are_in_reading_order_with_their_answers() -> None:
    node = {"all": [is_("total_purchase", "ge", 2), {"not": {"any": [is_("views", "gt", 5), is_("carts", "eq", 0)]}}]}
    result = run(node, metrics={"total_purchase": 3, "views": 9, "carts": 1})
    assert [(node.path, node.kind, node.holds, node.actual) for node in result.nodes] == [
        ("rule", "all", False, None),
        ("rule.all[0]", "metric", True, 3),
        ("rule.all[1]", "not", False, None),
        ("rule.all[1].not", "any", True, None),
        ("rule.all[1].not.any[0]", "metric", True, 9),
        ("rule.all[1].not.any[1]", "metric", False, 1),
    ]
    assert [change.path for change in result.changes] == ["rule.all[1].not.any[0]"]


def test_values_of_behaviours_and_sequences() -> None:
    rows = [Interaction(date(2019, 11, day), 12, event, "p") for day, event in ((20, "cart"), (25, "cart"), (26, "purchase"))]
    behaviour = {"behaviour": {"event": "cart", "measure": "events", "operator": "ge", "value": 1, "window": {"last_days": 7}}}
    sequence = {"sequence": {"first": {"event": "cart"}, "then": {"event": "purchase"}, "within_days": 2}}
    result = run({"all": [behaviour, sequence]}, interactions=rows)
    days = SequenceDays(StepDays(date(2019, 11, 20), date(2019, 11, 25)), StepDays(date(2019, 11, 26), date(2019, 11, 26)))
    assert [node.actual for node in result.nodes] == [None, 1, days]
    assert describe_actual(result.nodes[2].rule, days) == "first step: 2019-11-20 to 2019-11-25; second step: 2019-11-26"
    assert [describe_target(node.rule) for node in result.nodes] == [
        "",
        "at least 1 time",
        "the second step follows within 2 days",
    ]


@pytest.mark.parametrize(
    ("node", "facts", "expected"),
    [
        (is_("total_purchase", "ge", 3), {"metrics": {"total_purchase": 2}}, "orders must rise from 2 to 3"),
        (is_("total_purchase", "gt", 3), {"metrics": {"total_purchase": 2}}, "orders must rise from 2 to 4"),
        (is_("total_purchase", "lt", 2), {"metrics": {"total_purchase": 5}}, "orders must fall from 5 to 1"),
        ({"not": is_("total_purchase", "ge", 3)}, {"metrics": {"total_purchase": 5}}, "orders must fall from 5 to 2"),
        (is_("total_purchase", "between", [2, 4]), {"metrics": {"total_purchase": 9}}, "orders must fall from 9 to 4"),
        (
            is_("total_purchase_value", "gt", "10.00"),
            {"metrics": {"total_purchase_value": Decimal("7.50")}},
            "net revenue must rise from 7.50 to 10.01",
        ),
        (is_("last_order", "in_last_days", 30), {}, "last order must be in the last 30 days; it has no value"),
        ({"segment": {"id": 7}}, {"segments": {7: decode({"version": 1, "rule": is_("views", "gt", 5)})}},
         'must be in the segment "VIP"'),
        ({"not": {"list": {"id": 3}}}, {"lists": frozenset({3})}, 'must not be in the list "Staff"'),
        (is_("views", "top", 10), {"rank": lambda field: Rank(12, 90, 101)},
         f"{METRICS['views'].title.lower()} must move from place 12 to place 10 of 101, counted from the highest"),
        ({"behaviour": {"event": "purchase", "measure": "events", "operator": "ge", "value": 2}}, {},
         "“bought a product”: times must rise from 0 to 2"),
    ],
)  # fmt: skip
def test_changes_in_words_with_numbers(node: dict[str, Any], facts: dict[str, Any], expected: str) -> None:
    assert describe_changes(run(node, **facts)) == [expected]


@pytest.mark.parametrize(
    ("node", "facts", "expected"),
    [
        (is_("total_purchase", "ge", 3000), {"metrics": {"total_purchase": 2}}, "số đơn hàng phải tăng từ 2 lên 3.000"),
        (is_("last_order", "in_last_days", 30), {},
         "ngày đặt hàng gần nhất phải nằm trong 30 ngày qua; hiện không có giá trị"),
        (is_("lifecycle", "eq", "new"), {"metrics": {"lifecycle": "at risk"}},
         'giai đoạn khách hàng phải là "mới"; hiện là có nguy cơ rời bỏ'),
        ({"not": {"list": {"id": 3}}}, {"lists": frozenset({3})}, 'không được có trong danh sách "Staff"'),
        (is_("views", "top", 10), {"rank": lambda field: Rank(12, 90, 1010)},
         "số lượt xem sản phẩm phải chuyển từ hạng 12 đến hạng 10 trên 1.010, tính từ cao nhất"),
        ({"behaviour": {"event": "purchase", "measure": "events", "operator": "ge", "value": 2}}, {},
         "“đã mua sản phẩm”: số lần phải tăng từ 0 lên 2"),
    ],
)  # fmt: skip
def test_changes_in_vietnamese(node: dict[str, Any], facts: dict[str, Any], expected: str) -> None:
    assert describe_changes(run(node, **facts), "vi") == [expected]


def test_both_languages_have_words_for_every_measure() -> None:
    assert set(EXPLAIN_PHRASES) == {"en", "vi"}
    assert all(list(words.measures) == list(MEASURES_BY_KEY) for words in EXPLAIN_PHRASES.values())


def test_place_of_a_percentage_is_the_last_one_inside() -> None:
    result = run(is_("views", "bottom_percent", "10.00"), rank=lambda field: Rank(3, 20, 25))
    assert describe_changes(result)[0].endswith("from place 20 to place 3 of 25, counted from the lowest")
    assert run(is_("views", "bottom_percent", "10.00"), rank=lambda field: Rank(3, 3, 25)).holds
    assert not run(is_("views", "bottom_percent", "10.00"), rank=lambda field: Rank(3, 4, 25)).holds


def test_conditions_that_exclude_each_other_have_no_change() -> None:
    condition = is_("views", "gt", 5)
    result = run({"all": [condition, {"not": condition}]}, metrics={"views": 9})
    assert (result.changes, result.is_contradiction) == ([], True)


def test_a_member_needs_no_change() -> None:
    result = run(is_("views", "gt", 5), metrics={"views": 9})
    assert (result.holds, result.changes, result.is_contradiction) == (True, [], False)
