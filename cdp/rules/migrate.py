"""The older, flat form of a rule, turned into a version 1 document at the door. Nothing behind the door knows it.

    {"logic": "AND", "conditions": [{"field": "total_purchase", "operator": ">=", "type": "int", "value": "2"}]}

The conditions may also stand in a bare list with the joining words between them: [{…}, "OR", {…}].
"""

from __future__ import annotations

import re

from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Kind
from cdp.rules.errors import RuleError, did_you_mean, shown
from cdp.rules.operators import Operator, ValueKind, operators_of
from cdp.rules.shape import entries, items

_GROUPS = {"AND": "all", "OR": "any"}
_NUMBERS: tuple[Kind, ...] = ("integer", "money", "number")
#: The words that stood under `type` -> the kinds of metric they may describe. The catalogue decides the kind itself.
_TYPES: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("int", "integer", "float", "decimal", "number", "numeric", "money"), _NUMBERS),
    **dict.fromkeys(("str", "string", "text"), ("text",)),
    **dict.fromkeys(("date", "day"), ("date",)),
}
Placed = tuple[str, object]  # a condition or joining word with the place it was found at
_OTHER_SPELLINGS = {"==": "=", "<>": "!=", "≠": "!=", "≤": "<=", "≥": ">="}


def is_flat(document: object) -> bool:
    return isinstance(document, list) or (isinstance(document, dict) and "conditions" in document)


def upgrade(document: object) -> dict[str, object]:
    """The same rule as a version 1 document. Raises RuleError with the place in the older form."""
    logic, conditions = _from_list(document) if isinstance(document, list) else _from_object(document)
    leaves = [_leaf(condition, path) for path, condition in conditions]
    return {"version": 1, "rule": {_GROUPS[logic]: leaves}}


def _from_object(document: object) -> tuple[str, list[Placed]]:
    body = entries(document, "document", required=("conditions",), optional=("logic",))
    conditions = _placed(items(body["conditions"], "conditions"))
    if len(conditions) > 1 and "logic" not in body:
        raise RuleError("logic", "is missing; say AND or OR.")
    return _logic(body.get("logic", "AND"), "logic"), conditions


def _from_list(document: list[object]) -> tuple[str, list[Placed]]:
    if len(document) % 2 == 0:
        raise RuleError("conditions", "must be conditions with AND or OR between them.")
    placed = _placed(document)
    words = {_logic(word, path) for path, word in placed[1::2]} or {"AND"}
    if len(words) > 1:
        raise RuleError("conditions", "mixes AND and OR, which can be read two ways; use groups.")
    return words.pop(), placed[::2]


def _placed(found: list[object]) -> list[Placed]:
    return [(f"conditions[{i}]", entry) for i, entry in enumerate(found)]


def _logic(raw: object, path: str) -> str:
    word = raw.strip().upper() if isinstance(raw, str) else ""
    if word not in _GROUPS:
        raise RuleError(path, f"must be AND or OR, not {shown(raw)}.")
    return word


def _leaf(raw: object, path: str) -> dict[str, object]:
    body = entries(raw, path, required=("field", "operator"), optional=("type", "value"))
    field = _known(body["field"], tuple(METRICS), f"{path}.field")
    kind = METRICS[field].kind
    if "type" in body:
        _refuse_other_type(body["type"], kind, f"{path}.type")
    operator = _operator(body["operator"], kind, f"{path}.operator")
    leaf: dict[str, object] = {"field": field, "operator": operator.key}
    if "value" in body:
        leaf["value"] = _values(body["value"], operator.value_kind(kind))
    return {"metric": leaf}


def _known(raw: object, known: tuple[str, ...], path: str) -> str:
    word = raw.strip() if isinstance(raw, str) else ""
    if word not in known:
        raise RuleError(path, f"{shown(raw)} is not known; {did_you_mean(word, known)}")
    return word


def _refuse_other_type(raw: object, kind: Kind, path: str) -> None:
    word = _known(raw.lower() if isinstance(raw, str) else raw, tuple(_TYPES), path)
    if kind not in _TYPES[word]:
        raise RuleError(path, f"is {word!r}, but this field is of kind {kind}.")


def _operator(raw: object, kind: Kind, path: str) -> Operator:
    """The operator that was written as its symbol, or as its key."""
    names = {name: operator for operator in operators_of(kind) for name in (operator.symbol, operator.key)}
    word = " ".join(raw.lower().split()) if isinstance(raw, str) else ""
    word = _OTHER_SPELLINGS.get(word, word)
    return names[_known(word or raw, tuple(names), path)]


def _values(raw: object, kind: ValueKind) -> object:
    return [_value(item, kind) for item in raw] if isinstance(raw, list) else _value(raw, kind)


def _value(raw: object, kind: ValueKind) -> object:
    """The older form wrote whole numbers as text too."""
    if kind in ("integer", "days") and isinstance(raw, str) and re.fullmatch(r"-?[0-9]{1,18}", raw):
        return int(raw)
    return raw
