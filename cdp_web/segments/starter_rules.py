"""Writes the rules of the starter segments. A rule names the segments that it refers to; their ids exist only once they are
created."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Node = dict[str, Any]


def compare(field: str, operator: str, value: object) -> Node:
    return {"metric": {"field": field, "operator": operator, "value": value}}


def did(event: str, window: object = "ever") -> Node:
    return {"behaviour": {"event": event, "did": True, "window": window}}


def did_not(event: str, window: object = "ever") -> Node:
    return {"behaviour": {"event": event, "did": False, "window": window}}


def at_least(event: str, measure: str, least: object, window: object = "ever", filters: tuple[Node, ...] = ()) -> Node:
    return {
        "behaviour": {
            "event": event, "where": list(filters), "measure": measure, "operator": "ge", "value": least, "window": window,
        }
    }  # fmt: skip


def sequence(first: str, then: str, *, follows: bool, within_days: int, window: object) -> Node:
    steps = {"first": {"event": first}, "then": {"event": then}}
    return {"sequence": {**steps, "follows": follows, "within_days": within_days, "same": "product_id", "window": window}}


def where(field: str, operator: str, value: object) -> Node:
    return {"field": field, "operator": operator, "value": value}


def in_segment(name: str) -> Node:
    return {"segment": {"name": name}}


def all_of(*nodes: Node) -> Node:
    return {"all": list(nodes)}


def any_of(*nodes: Node) -> Node:
    return {"any": list(nodes)}


def build_document(node: Node, ids: Mapping[str, int]) -> Node:
    """The document of a rule in which segments have names. `ids` has the id of each name."""
    return {"version": 1, "rule": _replace_names(node, ids)}


def _replace_names(node: Node, ids: Mapping[str, int]) -> Node:
    """The node with the id of each segment in the place of its name."""
    key, body = next(iter(node.items()))
    if key == "segment":
        return {"segment": {"id": ids[body["name"]]}}
    if key == "not":
        return {"not": _replace_names(body, ids)}
    if key in ("all", "any"):
        return {key: [_replace_names(child, ids) for child in body]}
    return node
