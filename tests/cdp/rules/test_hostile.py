"""Hostile documents: each is a RuleError or has a problem, quickly, and nothing else is raised."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from cdp.rules import RuleError, check, decode
from cdp.rules.shape import MAX_ENTRIES

#: Processor time, because other work must not fail the test.
MAX_SECONDS = 0.05
MEGABYTE = 1_000_000
SQL = "x'; DROP TABLE customers; --"
Json = Any


def nest(levels: int, wrap: Callable[[Json], Json], inner: Json) -> Json:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


def metric(value: Json = 1, field: Json = "views", operator: Json = "ge") -> Json:
    return {"metric": {"field": field, "operator": operator, "value": value}}


def behaviour(**more: Json) -> Json:
    return {"behaviour": {"event": "purchase", "measure": "events", "operator": "ge", "value": 1, **more}}


def sequence(**more: Json) -> Json:
    return {"sequence": {"first": {"event": "cart"}, "then": {"event": "purchase"}, "within_days": 2, **more}}


RULES: dict[str, Json] = {
    "all, 10,000 deep": nest(10_000, lambda inner: {"all": [inner]}, metric()),
    "any, 10,000 deep": nest(10_000, lambda inner: {"any": [inner]}, metric()),
    "not, 10,000 deep": nest(10_000, lambda inner: {"not": inner}, metric()),
    "list in list, 10,000 deep": metric(nest(10_000, lambda inner: [inner], 1)),
    "object in object, 10,000 deep": behaviour(window=nest(10_000, lambda inner: {"last_days": inner}, 1)),
    "filter, 10,000 deep": behaviour(where=nest(10_000, lambda inner: [inner], {})),
    "a megabyte of numbers": metric([1] * (MEGABYTE // 2)),
    "a megabyte of texts": metric(["x" * 50] * (MEGABYTE // 53), "favourite_brand_by_views", "in"),
    "a megabyte of windows": behaviour(window={"days_ago": [1] * (MEGABYTE // 2)}),
    "a megabyte of conditions": {"all": [{"list": {"id": 1}}] * (MEGABYTE // 16)},
    "a megabyte of empty groups": {"any": [{"all": []}] * (MEGABYTE // 12)},
    "a megabyte of filters": behaviour(where=[{"field": "brand", "operator": "eq", "value": "x"}] * (MEGABYTE // 48)),
    "a megabyte of keys": {"metric": {str(n): 1 for n in range(MEGABYTE // 10)}},
    "a megabyte of text": metric("x" * MEGABYTE, "lifecycle", "eq"),
    "a megabyte of field": metric(1, "x" * MEGABYTE),
    "a megabyte of operator": metric(1, "views", "ge " * (MEGABYTE // 3)),
    "a megabyte of event": behaviour(event="x" * MEGABYTE),
    "a megabyte of window": behaviour(window="x" * MEGABYTE),
    "a megabyte of kind": {"x" * MEGABYTE: []},
    "as many entries as a document may have": metric([1] * (MAX_ENTRIES - 10)),
    "as many objects as a document may have": {"all": [{"all": [{"list": {"id": 1}}] * 199}] * 12},
    "200 words that look like metrics": {"all": [metric(1, f"total_purchase_value_{n}d_ago_{n}") for n in range(200)]},
    "200 words that look like operators": {"all": [metric(1, "last_seen", f"on_or_before_{n}") for n in range(200)]},
    "not a number": metric(float("nan"), "total_purchase_value"),
    "infinity": metric(float("-inf"), "total_purchase_value"),
    "decimal not a number": metric(Decimal("sNaN"), "total_purchase_value"),
    "not a number of days": sequence(within_days=float("nan")),
    "not a number in a window": behaviour(window={"last_days": float("nan")}),
    "a number of 4,000 digits": metric(10**4_000),
    "an amount of 4,000 digits": metric(-(10**4_000), "total_purchase_value"),
    "a percentage of 4,000 digits": metric(10**4_000, "views", "top_percent"),
    "a count of 4,000 digits": metric(10**4_000, "views", "top"),
    "a window of 4,000 digits": behaviour(window={"last_days": 10**4_000}),
    "a weekday of 4,000 digits": behaviour(where=[{"field": "weekday", "operator": "eq", "value": 10**4_000}]),
    "days of 4,000 digits": sequence(within_days=10**4_000),
    "an id of 4,000 digits": {"segment": {"id": 10**4_000}},
    "an exponent of ten digits": metric(Decimal("1E+9999999999"), "total_purchase_value"),
    "a small exponent of ten digits": metric(Decimal("1E-9999999999"), "total_purchase_value"),
    "a float near infinity": metric(1e308, "total_purchase_value"),
    "true as a number": metric(True),
    "true as a list": metric([True], "lifecycle", "in"),
    "true as an id": {"list": {"id": True}},
    "true as days": sequence(within_days=True),
    "true as a window": behaviour(window=True),
    "true in a window": behaviour(window={"last_days": True}),
    "true as a value of a filter": behaviour(where=[{"field": "hour", "operator": "eq", "value": True}]),
    "true as a rule": True,
    "lists of lists": metric([[1], [2]], "views", "between"),
    "lists of lists of filters": behaviour(where=[[{"field": "brand", "operator": "is_set"}]]),
    "lists of lists of rules": {"all": [[metric()]]},
    "half a character": metric("\ud800", "lifecycle", "contains"),
    "half a character as a kind": {"\ud800": 1},
    "a zero byte": behaviour(where=[{"field": "brand", "operator": "eq", "value": "a\x00"}]),
    "an unknown field": metric(1, "password"),
    "an unknown field of an event": behaviour(where=[{"field": "email", "operator": "eq", "value": "x"}]),
    "an unknown key": behaviour(sql="1=1"),
    "SQL as a kind": {SQL: []},
    "SQL as a field": metric(1, SQL),
    "SQL as an operator": metric(1, "views", SQL),
    "SQL as a number": metric(SQL),
    "SQL as an amount": metric(SQL, "total_purchase_value"),
    "SQL as a day": metric(SQL, "last_seen", "on"),
    "SQL as a choice": metric(SQL, "lifecycle", "eq"),
    "SQL as an event": behaviour(event=SQL),
    "SQL as a measure": behaviour(measure=SQL),
    "SQL as a window": behaviour(window=SQL),
    "SQL as the name of a window": behaviour(window={SQL: 1}),
    "SQL as a window's value": behaviour(window={"between": [SQL, SQL]}),
    "SQL as a field of an event": behaviour(where=[{"field": SQL, "operator": "eq", "value": "x"}]),
    "SQL as a price": behaviour(where=[{"field": "price", "operator": "eq", "value": SQL}]),
    "SQL as a shared field": sequence(same=SQL),
    "SQL as days": sequence(within_days=SQL),
    "SQL as a segment": {"segment": {"id": SQL}},
}  # fmt: skip
FLAT = {"field": "views", "operator": ">=", "value": 1}
DOCUMENTS: dict[str, Json] = {
    **{name: {"version": 1, "rule": rule} for name, rule in RULES.items()},
    "a flat megabyte": [FLAT, "AND"] * (MEGABYTE // 55) + [FLAT],
    "as many flat conditions as a document may have": {"logic": "AND", "conditions": [FLAT] * 4_900},
    "a flat operator of a megabyte": [{**FLAT, "operator": "a " * (MEGABYTE // 2)}],
    "a flat field of a megabyte": [{**FLAT, "field": " " * MEGABYTE}],
    "a flat value, 10,000 deep": [{**FLAT, "value": nest(10_000, lambda inner: [inner], 1)}],
    "flat SQL": [{**FLAT, "value": SQL}],
    "a version of 4,000 digits": {"version": 10**4_000, "rule": metric()},
    "a list, 10,000 deep": nest(10_000, lambda inner: [inner], 1),
}


def find_first_path(document: Json) -> str:
    """The path of the error or the first problem; empty for a good rule."""
    try:
        problems = check(decode(document))
    except RuleError as error:
        return error.path
    return problems[0].path if problems else ""


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_hostile_document_is_refused_quickly(document: Json) -> None:
    seconds = []
    for _ in range(3):
        before = time.process_time()
        path = find_first_path(document)
        seconds.append(time.process_time() - before)
    assert path != ""
    assert len(path) < 300
    assert min(seconds) < MAX_SECONDS


@pytest.mark.parametrize("name", ["a megabyte of numbers", "a megabyte of conditions", "a flat megabyte"])
def test_a_document_larger_than_any_rule_is_refused_as_a_whole(name: str) -> None:
    assert find_first_path(DOCUMENTS[name]) == "document"


def test_a_good_rule_is_not_refused() -> None:
    assert find_first_path({"version": 1, "rule": metric()}) == ""
