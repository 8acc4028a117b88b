"""Changes of database rows as Debezium writes them, and their description for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: Debezium's letter for what happened to a row.
OPERATIONS = {"r": "read", "c": "inserted", "u": "updated", "d": "deleted", "t": "truncated"}
SHOWN = 100  # characters of a value in a description


def is_change(document: object) -> bool:
    return isinstance(document, dict) and document.get("op") in OPERATIONS and isinstance(document.get("source"), dict)


def describe_change(change: Mapping[str, Any]) -> str:
    """The columns that changed, before and after; the whole row if the row before is not in the message. The columns of a
    deleted row are left out, because Debezium may invent them."""
    before, after = change.get("before"), change.get("after")
    if not isinstance(after, dict):
        pairs = []
    elif isinstance(before, dict):
        pairs = [
            f"{name} {_shorten(before.get(name))} → {_shorten(after.get(name))}"
            for name in {**after, **before}
            if before.get(name) != after.get(name)
        ]
    else:
        pairs = [f"{name} {_shorten(value)}" for name, value in after.items()]
    return f"{OPERATIONS[change['op']]}{': ' if pairs else ''}{', '.join(pairs)}"


def _shorten(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
