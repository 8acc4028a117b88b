"""The meaning of behaviours, sequences, segments, lists and ranks for one customer, computed by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from cdp.rules import (
    Any,
    Behaviour,
    Compare,
    Facts,
    Filter,
    InList,
    InSegment,
    Interaction,
    Not,
    Rank,
    Rule,
    Sequence,
    Step,
    Value,
    Window,
    matches,
    measure_behaviour,
)
from cdp.rules.behaviours import MEASURES

AS_OF = date(2019, 10, 31)  # a Thursday


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


ROWS = (
    Interaction(
        ago(0), 18, "purchase", "p1", "electronics", brand="acme", price=Decimal(10), events=2, quantity=3, money=Decimal(30)
    ),
    Interaction(ago(5), 9, "purchase", "p2", "home", brand="ACME", price=Decimal(5), quantity=2, money=Decimal(10)),
    Interaction(ago(5), 10, "purchase", "p1", "electronics", brand="acme", price=Decimal(20), money=Decimal(20)),
    Interaction(ago(40), 0, "purchase", "p3", money=Decimal(40)),
    Interaction(ago(-1), 0, "purchase", "p9", "later", brand="later", money=Decimal(1_000)),
    Interaction(ago(1), 23, "refund", "p1", "electronics", brand="acme", money=Decimal(-12)),
    Interaction(ago(6), 12, "view", "p1", "electronics", brand="acme", events=4),
)  # fmt: skip
ANNA = Facts(AS_OF, {"views": 4}, ROWS, lists=frozenset({3}))
NOBODY = Facts(AS_OF, {})
ACME = Filter("brand", "eq", "acme")


@pytest.mark.parametrize(
    ("measure", "event", "filters", "window", "expected"),
    [
        ("events", "purchase", (), Window(), 5),
        ("events", "purchase", (ACME,), Window(), 3),
        ("events", "purchase", (), Window("last_days", (6,)), 4),
        ("events", "purchase", (), Window("last_days", (5,)), 2),
        ("events", "any", (), Window(), 10),
        ("events", "cart", (), Window(), 0),
        ("quantity", "purchase", (), Window(), 7),
        ("quantity", "purchase", (Filter("product_id", "eq", "p1"),), Window("days_ago", (1, 10)), 1),
        ("money", "purchase", (), Window(), Decimal(100)),
        ("money", "purchase", (ACME,), Window(), Decimal(50)),
        ("money", "refund", (), Window(), Decimal(12)),
        ("money", "purchase", (), Window("last_week"), Decimal(30)),
        ("money", "purchase", (), Window("last_year"), Decimal(0)),
        ("products", "purchase", (), Window(), 3),
        ("products", "any", (ACME,), Window(), 1),
        ("categories", "purchase", (), Window(), 2),
        ("brands", "purchase", (), Window(), 2),
        ("brands", "purchase", (Filter("brand", "eq_any_case", "Acme"),), Window(), 2),
        ("days", "purchase", (), Window(), 3),
        ("days", "purchase", (), Window("this_week"), 1),
        ("share_of_events", "purchase", (ACME,), Window(), Fraction(60)),
        ("share_of_events", "purchase", (ACME,), Window("last_days", (6,)), Fraction(75)),
        ("share_of_events", "purchase", (Filter("brand", "eq", "none"),), Window(), Fraction(0)),
        ("share_of_events", "cart", (ACME,), Window(), None),
        ("share_of_money", "purchase", (Filter("category_1", "eq", "electronics"),), Window(), Fraction(50)),
        ("share_of_money", "purchase", (ACME,), Window("last_days", (6,)), Fraction(250, 3)),
        ("share_of_money", "purchase", (ACME,), Window("last_week"), Fraction(200, 3)),
        ("share_of_money", "purchase", (ACME,), Window("last_year"), None),
        ("first_day", "purchase", (), Window(), ago(40)),
        ("first_day", "purchase", (ACME,), Window(), ago(5)),
        ("last_day", "purchase", (), Window(), ago(0)),
        ("last_day", "purchase", (Filter("brand", "is_not_set"),), Window(), ago(40)),
        ("last_day", "cart", (), Window(), None),
        # Filters by hour, weekday and price.
        ("events", "purchase", (Filter("hour", "between", (9, 10)),), Window(), 2),
        ("events", "purchase", (Filter("hour", "ge", 18),), Window(), 2),
        ("events", "purchase", (Filter("weekday", "eq", 4),), Window(), 2),
        ("events", "purchase", (Filter("weekday", "ge", 6),), Window(), 3),
        ("events", "purchase", (Filter("price", "between", (5, 10)),), Window(), 3),
        ("events", "purchase", (Filter("price", "ne", 10),), Window(), 2),
        ("events", "purchase", (ACME, Filter("price", "gt", 10)), Window(), 1),
    ],
)  # fmt: skip
def test_each_measure(measure: str, event: str, filters: tuple[Filter, ...], window: Window, expected: object) -> None:
    assert measure_behaviour(Behaviour(Step(event, filters), measure, "ge", 1, window), ANNA) == expected


@pytest.mark.parametrize("measure", MEASURES, ids=lambda each: each.key)
def test_a_measure_without_events_is_its_empty_value(measure: object) -> None:
    leaf = Behaviour(Step("purchase", (ACME,)), measure.key, "ge", 1)  # type: ignore[attr-defined]
    assert measure_behaviour(leaf, NOBODY) == measure.empty  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("measure", "operator", "value", "anna", "nobody"),
    [
        ("events", "ge", 1, True, False),
        ("events", "eq", 0, False, True),
        ("events", "le", 3, True, True),
        ("events", "between", (4, 5), False, False),
        ("events", "not_between", (1, 2), True, True),
        ("money", "ge", 50, True, False),
        ("money", "gt", 50, False, False),
        ("money", "lt", 50, False, True),
        ("share_of_events", "ge", 60, True, False),
        ("share_of_events", "gt", 60, False, False),
        ("share_of_events", "le", Decimal("59.99"), False, False),
        ("share_of_events", "is_not_set", None, False, True),
        ("first_day", "on", ago(5), True, False),
        ("first_day", "in_last_days", 5, False, False),
        ("first_day", "is_not_set", None, False, True),
        ("last_day", "this_week", None, True, False),
        ("last_day", "not_on", ago(5), True, False),
    ],
)
def test_a_measure_is_compared_and_a_missing_one_is_false(
    measure: str, operator: str, value: Value, anna: bool, nobody: bool
) -> None:
    leaf = Behaviour(Step("purchase", (ACME,)), measure, operator, value)
    assert matches(leaf, ANNA) is anna
    assert matches(leaf, NOBODY) is nobody
    assert matches(Not(leaf), ANNA) is not anna
    assert matches(Not(leaf), NOBODY) is not nobody


def row(days_ago: int, event: str, product: str = "p1", brand: str | None = "acme") -> Interaction:
    return Interaction(ago(days_ago), 0, event, product, brand=brand)


FOLLOWS = Sequence(Step("cart"), Step("purchase"), True, 2)
LONELY = replace(FOLLOWS, follows=False)


@pytest.mark.parametrize(
    ("rows", "follows", "lonely"),
    [
        ([], False, False),
        ([row(5, "purchase")], False, False),
        ([row(5, "cart"), row(5, "purchase")], True, False),
        ([row(5, "cart"), row(3, "purchase")], True, False),
        ([row(5, "cart"), row(2, "purchase")], False, True),
        ([row(5, "cart"), row(6, "purchase")], False, True),
        ([row(2, "cart")], False, True),
        ([row(1, "cart")], False, False),  # the purchase may still follow
        ([row(0, "cart")], False, False),
        ([row(-1, "cart"), row(-1, "purchase")], False, False),  # after the published day
        ([row(1, "cart"), row(-1, "purchase")], False, False),
        ([row(3, "cart"), row(-1, "purchase")], False, True),
        ([row(9, "cart"), row(8, "purchase"), row(5, "cart")], True, True),
        ([row(5, "cart", "p1"), row(5, "cart", "p2"), row(4, "purchase", "p2")], True, False),
    ],
)
def test_a_step_follows_or_does_not(rows: list[Interaction], follows: bool, lonely: bool) -> None:
    assert matches(FOLLOWS, Facts(AS_OF, {}, rows)) is follows
    assert matches(LONELY, Facts(AS_OF, {}, rows)) is lonely


@pytest.mark.parametrize(
    ("same", "rows", "follows", "lonely"),
    [
        ("product_id", [row(5, "cart", "p1"), row(4, "purchase", "p1")], True, False),
        ("product_id", [row(5, "cart", "p1"), row(4, "purchase", "p2")], False, True),
        ("product_id", [row(5, "cart", "p1"), row(5, "cart", "p2"), row(4, "purchase", "p2")], True, True),
        ("brand", [row(5, "cart", "p1", "acme"), row(4, "purchase", "p2", "acme")], True, False),
        ("brand", [row(5, "cart", "p1", None), row(4, "purchase", "p2", None)], False, False),
        ("brand", [row(5, "cart", "p1", "acme"), row(4, "purchase", "p1", None)], False, True),
    ],
)
def test_both_steps_may_have_to_share_a_field(same: str, rows: list[Interaction], follows: bool, lonely: bool) -> None:
    assert matches(replace(FOLLOWS, same=same), Facts(AS_OF, {}, rows)) is follows
    assert matches(replace(LONELY, same=same), Facts(AS_OF, {}, rows)) is lonely


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (replace(FOLLOWS, window=Window("last_days", (5,))), False),  # the window holds the first step only
        (replace(FOLLOWS, window=Window("last_days", (6,))), True),
        (replace(FOLLOWS, window=Window("days_ago", (5, 5))), True),
        (replace(FOLLOWS, within_days=0), False),
        (replace(FOLLOWS, then=Step("purchase", (Filter("brand", "eq", "other"),))), False),
        (replace(FOLLOWS, first=Step("any", (ACME,))), True),
    ],
)
def test_window_days_and_filters_of_a_sequence(leaf: Sequence, expected: bool) -> None:
    assert matches(leaf, Facts(AS_OF, {}, [row(5, "cart"), row(4, "purchase", brand="ACME")])) is expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (InList(3), True),
        (InList(4), False),
        (InSegment(1), True),
        (InSegment(2), False),
        (InSegment(3), True),
        (Not(InSegment(3)), False),
    ],
)
def test_lists_and_segments(rule: Rule, expected: bool) -> None:
    segments: dict[int, Rule] = {1: Compare("views", "eq", 4), 2: Not(InSegment(1)), 3: Any((InSegment(2), InList(3)))}
    assert matches(rule, replace(ANNA, segments=segments)) is expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("top", 3, True), ("top", 2, False), ("bottom", 8, True), ("bottom", 7, False),
        # Two of ten customers are above her, seven below: 20 % above, 70 % below.
        ("top_percent", Decimal("20.01"), True), ("top_percent", 20, False),
        ("bottom_percent", Decimal("70.01"), True), ("bottom_percent", 70, False),
        ("top_percent", 0, False), ("top_percent", 100, True),
    ],
)  # fmt: skip
def test_ranks(operator: str, value: Value, expected: bool) -> None:
    third = replace(ANNA, rank=lambda field: Rank(3, 8, 10) if field == "views" else None)
    assert matches(Compare("views", operator, value), third) is expected
    assert not matches(Compare("carts", operator, value), third)


@pytest.mark.parametrize(
    ("actual", "operator", "value", "expected"),
    [
        ("ÉtÉ", "eq_any_case", "éTé", True), ("été", "eq_any_case", "ete", False),
        ("ΑΣ", "eq_any_case", "ας", True), ("İ", "eq_any_case", "i", True), ("ı", "eq_any_case", "I", False),
        ("ß", "eq_any_case", "SS", False), ("Acme", "in_any_case", ("x", "ACME"), True), ("Acme", "in", ("ACME",), False),
        ("Acme Shop", "contains_any_case", "ME S", True), ("Acme", "starts_with_any_case", "aC", True),
        ("Acme", "ends_with_any_case", "ME", True), ("Acme", "ends_with", "ME", False), ("Acme", "ends_with", "me", True),
        ("Acme", "not_contains", "me", False), ("Acme", "not_contains", "ME", True), (None, "not_contains", "ME", False),
    ],
)  # fmt: skip
def test_text_with_and_without_case(actual: str | None, operator: str, value: Value, expected: bool) -> None:
    assert (
        matches(Compare("favourite_brand_by_views", operator, value), Facts(AS_OF, {"favourite_brand_by_views": actual}))
        is expected
    )


@pytest.mark.parametrize(
    ("days_ago", "operator", "value", "expected"),
    [
        (3, "days_ago_between", (3, 5), True), (2, "days_ago_between", (3, 5), False), (6, "days_ago_between", (3, 5), False),
        (3, "this_week", None, True), (4, "this_week", None, False), (-3, "this_week", None, True),
        (4, "last_week", None, True), (10, "last_week", None, True), (11, "last_week", None, False),
        (30, "this_month", None, True), (31, "this_month", None, False), (31, "last_month", None, True),
        (303, "this_year", None, True), (304, "this_year", None, False), (304, "last_year", None, True),
        (10, "not_between", (ago(9), ago(8)), True), (8, "not_between", (ago(9), ago(8)), False),
    ],
)  # fmt: skip
def test_days_and_periods(days_ago: int, operator: str, value: Value, expected: bool) -> None:
    assert matches(Compare("last_seen", operator, value), Facts(AS_OF, {"last_seen": ago(days_ago)})) is expected
