"""The starter segments as templates of the builder, grouped by what one wants to achieve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from cdp_web.layout.facts import localize
from cdp_web.segments.starter_rules import Node
from cdp_web.segments.starters import STARTERS, Starter

AIMS: tuple[tuple[Promise | str, tuple[str, ...]], ...] = (
    (_("Win the first order"), ("New this week", "New and not yet buying", "Window shoppers", "Cart, but never an order")),
    (_("Rescue abandoned carts"), ("Cart abandoners", "Abandoned a cart and came back")),
    (
        _("Get the next order"),
        ("One-time buyers", "Repeat buyers", "Active but not buying", "Viewed, then bought the product",
         "Bought last month, not this month"),
    ),
    (
        _("Reward the best customers"),
        ("Top 10 % by revenue", "Spent 500 in 30 days", "High average order", "Champions and loyal customers",
         "A month or years with us"),
    ),
    (_("Win customers back"), ("Sliding down", "Big spenders at risk", "Lapsed buyers", "Back after a pause")),
    (
        _("Know their habits"),
        ("Bought from many categories", "Loyal to one brand", "Weekend shoppers", "Evening spenders", "Refund-prone"),
    ),
)  # fmt: skip
_BY_NAME: Mapping[str, Starter] = {starter.name: starter for starter in STARTERS}
_BY_KEY: Mapping[str, Starter] = {slugify(starter.name): starter for starter in STARTERS}


@dataclass(frozen=True, slots=True)
class Template:
    key: str
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class TemplateGroup:
    aim: Promise | str
    templates: list[Template]


def list_templates() -> list[TemplateGroup]:
    return [TemplateGroup(aim, [_to_template(_BY_NAME[name]) for name in names]) for aim, names in AIMS]


def find_starter(key: str) -> Starter | None:
    return _BY_KEY.get(key)


def build_template_rule(starter: Starter) -> dict[str, Any]:
    """The document of a starter. The rule of a starter that it refers to takes its place, so no other segment is needed."""
    return {"version": 1, "rule": _insert_rules(starter.node)}


def _to_template(starter: Starter) -> Template:
    return Template(slugify(starter.name), localize(starter.name), localize(starter.meaning))


def _insert_rules(node: Node) -> Node:
    key, body = next(iter(node.items()))
    if key == "segment":
        return _insert_rules(_BY_NAME[body["name"]].node)
    if key == "not":
        return {"not": _insert_rules(body)}
    if key in ("all", "any"):
        return {key: [_insert_rules(child) for child in body]}
    return node
