"""The day on which a customer leaves by time alone is the first one on which the interpreter says no."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from cdp.rules import Facts, Interaction, decode
from cdp.rules.forecast import MAX_DAYS, forecast_leaving, move_facts
from cdp.rules.interpret import holds

DAY = date(2019, 11, 30)


def is_(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"metric": {"field": field, "operator": operator, **({} if value is None else {"value": value})}}


def did(event: str, window: Any = None, **more: Any) -> dict[str, Any]:
    body = {"event": event, **({"window": window} if window else {}), **(more or {"did": True})}
    return {"behaviour": body}


CART_THEN_BUY = {"first": {"event": "cart"}, "then": {"event": "purchase"}}
NODES = {
    "date": is_("last_seen", "in_last_days", 30),
    "days since": is_("days_since_seen", "between", [5, 90]),
    "anniversary": {"not": is_("first_seen", "anniversary_in_days", 3)},
    "month": {"any": [is_("last_seen", "this_month"), is_("last_seen", "last_month")]},
    "last days": did("view", {"last_days": 20}),
    "days ago": {"not": did("cart", {"days_ago": [30, 60]})},
    "calendar": {"any": [did("view", "this_week"), did("view", "last_month"), did("cart", "this_year")]},
    "last day": did("view", None, measure="last_day", operator="in_last_days", value=14),
    "share": did("view", {"last_days": 60}, measure="share_of_events", operator="le", value="60.00",
                 where=[{"field": "brand", "operator": "eq", "value": "lg"}]),
    "follows": {"sequence": {**CART_THEN_BUY, "within_days": 5, "window": {"last_days": 30}}},
    "does not follow": {"not": {"sequence": {**CART_THEN_BUY, "follows": False, "within_days": 9}}},
    "comes and goes": {"any": [did("view", {"last_days": 10}), {"not": did("cart", {"days_ago": [15, 40]})}]},
    "segment": {"all": [{"segment": {"id": 7}}, is_("views", "ge", 0)]},
}  # fmt: skip
SEGMENTS = {7: decode({"version": 1, "rule": did("cart", {"last_days": 45})})}


def invent_facts(random: Random) -> Facts:
    rows = [
        Interaction(
            DAY - timedelta(days=random.randint(0, 70)), 12, random.choice(("view", "cart", "purchase")),
            random.choice("pq"), brand=random.choice(("lg", "acme", None)),
        )
        for _ in range(random.randint(0, 12))
    ]  # fmt: skip
    first, last = (DAY - timedelta(days=random.randint(*ends)) for ends in ((40, 400), (0, 40)))
    metrics = {"first_seen": first, "last_seen": last, "days_since_seen": (DAY - last).days, "views": 3}
    return Facts(DAY, metrics, rows, segments=SEGMENTS)


@pytest.mark.parametrize("node", NODES.values(), ids=NODES.keys())
def test_the_day_is_the_first_one_on_which_the_rule_does_not_hold(node: dict[str, Any]) -> None:
    rule, random, days = decode({"version": 1, "rule": node}), Random(3), set()
    for _ in range(60):
        facts = invent_facts(random)
        if not holds(rule, facts):
            continue
        coming = (DAY + timedelta(days=number) for number in range(1, MAX_DAYS + 1))
        expected = next((day for day in coming if not holds(rule, move_facts(facts, day))), None)
        assert forecast_leaving(rule, facts).day == expected
        days.add(expected)
    assert len(days) > 1


def test_days_since_are_counted_on() -> None:
    assert move_facts(Facts(DAY, {"days_since_order": 4, "views": 4}), DAY + timedelta(days=3)).metrics == {
        "days_since_order": 7,
        "views": 4,
    }


@pytest.mark.parametrize(
    ("fields", "unknown"),
    [
        (["total_purchase", "last_seen", "days_since_order", "mean_days_between_orders"], ()),
        (["orders_30d", "lifecycle", "views"], ("orders_30d", "lifecycle")),
        (["rfm_group", "recency_score", "avg_purchase_value_90d"], ("rfm_group", "recency_score", "avg_purchase_value_90d")),
    ],
)
def test_metrics_without_a_forecast_are_named(fields: list[str], unknown: tuple[str, ...]) -> None:
    rule = decode({"version": 1, "rule": {"all": [is_(field, "is_set") for field in fields]}})
    assert forecast_leaving(rule, Facts(DAY, {})).unknown == unknown


def test_a_metric_of_another_segment_counts_too() -> None:
    facts = Facts(DAY, {"orders_7d": 1}, segments={7: decode({"version": 1, "rule": is_("orders_7d", "ge", 1)})})
    assert forecast_leaving(decode({"version": 1, "rule": {"segment": {"id": 7}}}), facts).unknown == ("orders_7d",)
