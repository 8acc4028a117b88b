"""The 20 rules of the benchmark as JSON documents, of growing difficulty: ten on metrics alone, ten with behaviours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.segments_data import DAY
from cdp.rules import Rule, Source, decode

LIST_ID = 1
LIST_SIZE = 100_000
#: The second segment refers to the first.
BUYERS_SEGMENT, LOYAL_SEGMENT = 1, 2

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BenchRule:
    name: str
    node: Node
    reads_behaviours: bool

    @property
    def document(self) -> Node:
        return {"version": 1, "rule": self.node}

    @property
    def rule(self) -> Rule:
        return decode(self.document)


def _metric(field: str, operator: str, *value: Any) -> Node:
    return {"metric": {"field": field, "operator": operator, **({"value": value[0]} if value else {})}}


def _did(event: str, did: bool = True, window: Any = "ever", **where: str) -> Node:
    return {"behaviour": {**_step(event, **where), "did": did, "window": window}}


def _measure(event: str, measure: str, operator: str, value: Any, window: Any = "ever", **where: str) -> Node:
    return {"behaviour": {**_step(event, **where), "measure": measure, "operator": operator, "value": value, "window": window}}


def _step(event: str, **where: str) -> Node:
    return {"event": event, "where": [{"field": field, "operator": "eq", "value": value} for field, value in where.items()]}


def _sequence(first: Node, then: Node, *, follows: bool, days: int, window: int) -> Node:
    steps = {"first": first, "then": then, "follows": follows, "within_days": days, "same": "product_id"}
    return {"sequence": {**steps, "window": {"last_days": window}}}


def _all(*nodes: Node) -> Node:
    return {"all": list(nodes)}


def _any(*nodes: Node) -> Node:
    return {"any": list(nodes)}


def _not(node: Node) -> Node:
    return {"not": node}


_ACTIVE = _all(_metric("last_seen", "in_last_days", 30), _metric("views_30d", "ge", 5))
_UNDECIDED = _all(_metric("views_30d", "ge", 5), _metric("carts_30d", "ge", 1), _metric("orders_30d", "eq", 0))
_SPENDERS = _any(_metric("revenue_90d", "ge", "400"), _metric("avg_purchase_value_90d", "ge", "250"))
_LAPSED = _all(_metric("lifecycle", "in", ["lapsed", "at risk"]), _metric("total_purchase", "ge", 3))
_WINDOWS = _any(
    *(
        _all(
            _metric(f"views_{days}d", "ge", number),
            _metric(f"carts_{days}d", "between", [1, 9]),
            _metric(f"orders_{days}d", "eq", 0),
        )
        for days, number in ((7, 3), (30, 5), (90, 8))
    )
)
_BRANDS = _any(
    _metric("favourite_brand_by_views", "in", [f"brand_{number}" for number in range(1, 20)]),
    _metric("favourite_brand_by_money", "starts_with", "brand_2"),
    _metric("favourite_category_by_views", "contains_any_case", "ELEC"),
)
METRIC_NODES: tuple[tuple[str, Node], ...] = (
    ("1 number", _metric("total_purchase", "ge", 5)),
    ("a word and a number", _all(_metric("lifecycle", "eq", "active"), _metric("revenue_30d", "ge", "500"))),
    ("3 conditions, a window", _UNDECIDED),
    ("4 in two groups", _any(_ACTIVE, _LAPSED)),
    ("5 with not", _all(_metric("total_purchase", "ge", 2), _not(_ACTIVE), _SPENDERS)),
    ("6 with texts", _all(_BRANDS, _SPENDERS, _metric("refunds", "eq", 0))),
    ("9, three windows", _WINDOWS),
    ("12, depth 4", _all(_not(_LAPSED), _any(_WINDOWS, _metric("refund_value", "gt", "0")))),
    ("15 with dates", _all(_any(_WINDOWS, _ACTIVE), _any(_BRANDS, _metric("first_order", "anniversary_in_days", 30)))),
    ("22, all of them", _all(_any(_WINDOWS, _ACTIVE, _LAPSED), _any(_BRANDS, _SPENDERS), _not(_metric("removals_90d", "ge", 4)))),
)  # fmt: skip
_CARTED = _did("cart", window={"last_days": 7}, category_1="electronics")
_LEFT_IN_CART = _sequence(_step("cart", category_1="electronics"), _step("purchase"), follows=False, days=2, window=30)
_LISTED_OR_TOP = _any(_all({"list": {"id": LIST_ID}}, _CARTED), _metric("total_purchase_value", "top_percent", "1"))
_LOYAL = _all({"segment": {"id": LOYAL_SEGMENT}}, _not(_LEFT_IN_CART), _did("view", window={"last_days": 60}))
BEHAVIOUR_NODES: tuple[tuple[str, Node], ...] = (
    ("did", _CARTED),
    ("did not", _all(_did("purchase", False, {"last_days": 90}), _metric("views_90d", "ge", 5))),
    ("count", _measure("view", "events", "ge", 3, {"last_days": 90}, brand="brand_1")),
    ("money", _measure("purchase", "money", "ge", "200", {"last_days": 180}, category_1="appliances")),
    ("distinct", _measure("view", "categories", "ge", 4, {"last_days": 180})),
    ("share", _measure("purchase", "share_of_money", "ge", "60", {"last_days": 365}, category_1="electronics")),
    ("a sequence", _sequence(_step("cart"), _step("purchase"), follows=True, days=7, window=90)),
    ("not followed", _LEFT_IN_CART),
    ("a list of 100,000, top 1 %", _LISTED_OR_TOP),
    ("a segment in a segment", _LOYAL),
)  # fmt: skip
RULES = (
    *(BenchRule(name, node, False) for name, node in METRIC_NODES),
    *(BenchRule(name, node, True) for name, node in BEHAVIOUR_NODES),
)

#: Segment -> its rule; each comes after those that it refers to.
SEGMENTS: dict[int, BenchRule] = {
    BUYERS_SEGMENT: BenchRule("Buyers", _measure("purchase", "money", "ge", "100", {"last_days": 180}), True),
    LOYAL_SEGMENT: BenchRule("Loyal", _any({"segment": {"id": BUYERS_SEGMENT}}, _metric("order_days", "ge", 5)), True),
}


def make_source(dialect: Any = "duckdb") -> Source:
    """The tables of every engine: customers by number, and the rules of the segments."""
    segments: Mapping[int, Rule] = {number: segment.rule for number, segment in SEGMENTS.items()}
    return Source(DAY, dialect, key="customer", segments=segments)
