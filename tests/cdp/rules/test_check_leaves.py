"""The problems that check finds in behaviours, sequences, segments, lists and ranks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cdp.rules import (
    MAX_LEAVES,
    MAX_LIST_VALUES,
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Not,
    Rule,
    Sequence,
    Step,
    Window,
    check,
)
from cdp.rules.check import MAX_PROBLEMS

ACME = Filter("brand", "eq", "acme")
BOUGHT = Behaviour(Step("purchase"), "events", "ge", 1)
THEN = Sequence(Step("cart"), Step("purchase"), True, 2)
DAY = date(2019, 10, 31)


def measured(measure: str, operator: str = "ge", value: object = 1, event: str = "purchase", *filters: Filter) -> Behaviour:
    return Behaviour(Step(event, filters), measure, operator, value)  # type: ignore[arg-type]


def filtered(field: str, operator: str, value: object = None) -> Behaviour:
    return replace(BOUGHT, step=Step("purchase", (ACME, Filter(field, operator, value))))  # type: ignore[arg-type]


def windowed(kind: str, *values: object) -> Behaviour:
    return replace(BOUGHT, window=Window(kind, values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rule",
    [
        BOUGHT,
        THEN,
        InSegment(1),
        InList(2**63 - 1),
        measured("events", "between", (0, 10)),
        measured("money", "gt", 100, "refund"),
        measured("share_of_events", "between", (0, Decimal("99.99")), "any", ACME),
        measured("share_of_money", "is_not_set", None, "purchase", ACME),
        measured("first_day", "is_not_set", None),
        measured("last_day", "last_month", None),
        filtered("weekday", "between", (1, 7)),
        filtered("hour", "between", (0, 23)),
        filtered("price", "ge", 10),
        filtered("brand", "ends_with_any_case", "é"),
        windowed("ever"),
        windowed("last_days", 36_500),
        windowed("days_ago", 0, 0),
        windowed("between", DAY, DAY),
        windowed("last_year"),
        replace(THEN, within_days=0, same="brand"),
        replace(THEN, within_days=366, follows=False),
        Compare("views", "top", 10_000_000),
        Compare("last_order", "bottom_percent", Decimal("0.01")),
    ],
)
def test_a_good_leaf_has_no_problem(rule: Rule) -> None:
    assert check(rule) == []


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        (measured("events", event="buy"), "behaviour.event"),
        (filtered("brnd", "eq", "x"), "behaviour.where[1].field"),
        (filtered("brand", "eqq", "x"), "behaviour.where[1].operator"),
        (filtered("brand", "ge", "x"), "behaviour.where[1].operator"),
        (filtered("price", "top", 5), "behaviour.where[1].operator"),
        (filtered("brand", "eq"), "behaviour.where[1].value"),
        (filtered("brand", "eq", "a\nb"), "behaviour.where[1].value"),
        (filtered("brand", "in", ("a", 5)), "behaviour.where[1].value[1]"),
        (filtered("weekday", "eq", 0), "behaviour.where[1].value"),
        (filtered("weekday", "between", (1, 8)), "behaviour.where[1].value[1]"),
        (filtered("weekday", "between", (7, 1)), "behaviour.where[1].value"),
        (filtered("weekday", "eq", True), "behaviour.where[1].value"),
        (filtered("hour", "eq", 24), "behaviour.where[1].value"),
        (filtered("hour", "eq", -1), "behaviour.where[1].value"),
        (filtered("price", "eq", Decimal("0.001")), "behaviour.where[1].value"),
        (windowed("last_dayz", 7), "behaviour.window"),
        (windowed("last_days"), "behaviour.window"),
        (windowed("last_days", 1, 2), "behaviour.window"),
        (windowed("this_month", 1), "behaviour.window"),
        (windowed("last_days", 0), "behaviour.window.last_days"),
        (windowed("last_days", 36_501), "behaviour.window.last_days"),
        (windowed("last_days", DAY), "behaviour.window.last_days"),
        (windowed("days_ago", -1, 5), "behaviour.window.days_ago"),
        (windowed("days_ago", 5, 4), "behaviour.window.days_ago"),
        (windowed("between", 1, 2), "behaviour.window.between"),
        (windowed("between", DAY, date(2019, 10, 30)), "behaviour.window.between"),
        (measured("evens"), "behaviour.measure"),
        (measured("money", event="view"), "behaviour.measure"),
        (measured("share_of_money", "ge", 50, "refund", ACME), "behaviour.measure"),
        (measured("share_of_events", "ge", 50), "behaviour.where"),
        (measured("events", "is_set", None), "behaviour.operator"),
        (measured("events", "top", 5), "behaviour.operator"),
        (measured("first_day", "ge", DAY), "behaviour.operator"),
        (measured("events", "ge", "1"), "behaviour.value"),
        (measured("events", "ge", None), "behaviour.value"),
        (measured("events", "ge", True), "behaviour.value"),
        (measured("events", "ge", Decimal("NaN")), "behaviour.value"),
        (measured("events", "ge", 10**18), "behaviour.value"),
        (measured("events", "between", (2, 1)), "behaviour.value"),
        (measured("money", "ge", Decimal("Infinity")), "behaviour.value"),
        (measured("money", "ge", Decimal("1E+9999999999")), "behaviour.value"),
        (measured("share_of_events", "ge", Decimal("100.01"), "purchase", ACME), "behaviour.value"),
        (measured("share_of_events", "ge", -1, "purchase", ACME), "behaviour.value"),
        (measured("share_of_events", "ge", Decimal("0.001"), "purchase", ACME), "behaviour.value"),
        (measured("last_day", "in_last_days", 0), "behaviour.value"),
        (replace(THEN, first=Step("buy")), "sequence.first.event"),
        (replace(THEN, then=Step("cart", (Filter("x", "eq", 1),))), "sequence.then.where[0].field"),
        (replace(THEN, within_days=-1), "sequence.within_days"),
        (replace(THEN, within_days=367), "sequence.within_days"),
        (replace(THEN, same="price"), "sequence.same"),
        (replace(THEN, window=Window("last_days", (0,))), "sequence.window.last_days"),
        (InSegment(0), "segment.id"),
        (InList(-1), "list.id"),
        (InList(2**63), "list.id"),
        (Compare("lifecycle", "top", 5), "metric.operator"),
        (Compare("views", "top", 0), "metric.value"),
        (Compare("views", "top", 10_000_001), "metric.value"),
        (Compare("views", "top", Decimal(5)), "metric.value"),
        (Compare("views", "bottom_percent", Decimal("100.01")), "metric.value"),
        (Compare("last_seen", "this_week", 1), "metric.value"),
        (Compare("last_seen", "anniversary_in_days", 0), "metric.value"),
    ],
)
def test_a_wrong_leaf_has_one_problem_with_its_path(leaf: Rule, path: str) -> None:
    assert [problem.path for problem in check(All((BOUGHT, Not(leaf))))] == [f"rule.all[1].not.{path}"]


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        (Behaviour(Step("buy", (Filter("x", "y"),)), "z", "q", 1, Window("w")), "behaviour.event"),
        (Behaviour(Step("cart", (Filter("x", "y"), Filter("z", "q"))), "z", "q", 1, Window("w")), "behaviour.where[0].field"),
        (Behaviour(Step("cart"), "z", "q", 1, Window("w")), "behaviour.window"),
        (Behaviour(Step("cart"), "z", "q", 1), "behaviour.measure"),
        (Behaviour(Step("cart"), "events", "q", "1"), "behaviour.operator"),
        (Sequence(Step("x"), Step("y"), True, -1, "z", Window("w")), "sequence.first.event"),
        (Sequence(Step("cart"), Step("y"), True, -1, "z", Window("w")), "sequence.then.event"),
        (Sequence(Step("cart"), Step("cart"), True, -1, "z", Window("w")), "sequence.within_days"),
        (Sequence(Step("cart"), Step("cart"), True, 0, "z", Window("w")), "sequence.same"),
    ],
)
def test_only_the_first_of_many_faults_in_a_leaf_is_reported(leaf: Rule, path: str) -> None:
    assert [problem.path for problem in check(leaf)] == [f"rule.{path}"]


def test_a_filter_counts_as_a_condition() -> None:
    filters = (ACME,) * (MAX_LEAVES - 1)
    assert check(replace(BOUGHT, step=Step("purchase", filters))) == []
    assert [each.path for each in check(replace(BOUGHT, step=Step("purchase", (*filters, ACME))))] == ["rule"]
    halves = (Step("cart", filters[:100]), Step("cart", filters[100:]))
    assert check(Sequence(*halves, True, 1)) == []
    assert [each.path for each in check(All((Sequence(*halves, True, 1), InList(1))))] == ["rule"]


def test_values_of_filters_count_as_list_values() -> None:
    full = replace(BOUGHT, step=Step("purchase", (Filter("brand", "in", ("a",) * MAX_LIST_VALUES),)))
    assert check(full) == []
    assert [each.path for each in check(All((full, Compare("lifecycle", "in", ("new",)))))] == ["rule.all[1]"]


def test_a_long_report_ends() -> None:
    assert len(check(Any((InList(0),) * MAX_LEAVES))) == MAX_PROBLEMS
