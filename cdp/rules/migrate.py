"""Converts the older, flat form of a rule into a version 1 document when it is read. The rest of the code never sees it.

    {"logic": "AND", "conditions": [{"field": "total_purchase", "operator": ">=", "type": "int", "value": "2"}]}

The conditions may also be a bare list with the joining words between them: [{…}, "OR", {…}].
"""

from __future__ import annotations

import re

from cdp.errors import did_you_mean
from cdp.metrics import BY_KEY as METRICS
from cdp.metrics import Kind
from cdp.rules.check import MAX_LEAVES
from cdp.rules.errors import RuleError, abbreviate
from cdp.rules.operators import Operator, ValueKind, list_operators
from cdp.rules.shape import require_list, require_object

_GROUPS = {"AND": "all", "OR": "any"}
_NUMBERS: tuple[Kind, ...] = ("integer", "money", "number")
#: Words used under `type` -> the kinds of metric they may describe. The catalogue decides the kind.
_KINDS_OF_TYPE: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("int", "integer", "float", "decimal", "number", "numeric", "money"), _NUMBERS),
    **dict.fromkeys(("str", "string", "text"), ("text",)),
    **dict.fromkeys(("date", "day"), ("date",)),
}
Entry = tuple[str, object]  # a condition or joining word with its path
_MAX_OPERATOR = 100  # characters
_SYMBOL_VARIANTS = {"==": "=", "<>": "!=", "≠": "!=", "≤": "<=", "≥": ">="}


def is_flat(document: object) -> bool:
    return isinstance(document, list) or (isinstance(document, dict) and "conditions" in document)


def upgrade(document: object) -> dict[str, object]:
    """The same rule as a version 1 document. Raises RuleError with the path in the older form."""
    logic, conditions = _read_list(document) if isinstance(document, list) else _read_object(document)
    if len(conditions) > MAX_LEAVES:
        raise RuleError("conditions", f"are more than {MAX_LEAVES}; split them into several segments.")
    leaves = [_read_leaf(condition, path) for path, condition in conditions]
    return {"version": 1, "rule": {_GROUPS[logic]: leaves}}


def _read_object(document: object) -> tuple[str, list[Entry]]:
    body = require_object(document, "document", required=("conditions",), optional=("logic",))
    conditions = _add_paths(require_list(body["conditions"], "conditions"))
    if len(conditions) > 1 and "logic" not in body:
        raise RuleError("logic", "is missing; say AND or OR.")
    return _read_logic(body.get("logic", "AND"), "logic"), conditions


def _read_list(document: list[object]) -> tuple[str, list[Entry]]:
    if len(document) % 2 == 0:
        raise RuleError("conditions", "must be conditions with AND or OR between them.")
    entries = _add_paths(document)
    words = {_read_logic(word, path) for path, word in entries[1::2]} or {"AND"}
    if len(words) > 1:
        raise RuleError("conditions", "mixes AND and OR, which can be read two ways; use groups.")
    return words.pop(), entries[::2]


def _add_paths(raw: list[object]) -> list[Entry]:
    return [(f"conditions[{i}]", entry) for i, entry in enumerate(raw)]


def _read_logic(raw: object, path: str) -> str:
    word = raw.strip().upper() if isinstance(raw, str) else ""
    if word not in _GROUPS:
        raise RuleError(path, f"must be AND or OR, not {abbreviate(raw)}.")
    return word


def _read_leaf(raw: object, path: str) -> dict[str, object]:
    body = require_object(raw, path, required=("field", "operator"), optional=("type", "value"))
    field = _require_known(body["field"], tuple(METRICS), f"{path}.field")
    kind = METRICS[field].kind
    if "type" in body:
        _refuse_other_type(body["type"], kind, f"{path}.type")
    operator = _read_operator(body["operator"], kind, f"{path}.operator")
    leaf: dict[str, object] = {"field": field, "operator": operator.key}
    if "value" in body:
        leaf["value"] = _read_values(body["value"], operator.value_kind(kind))
    return {"metric": leaf}


def _require_known(raw: object, words: tuple[str, ...], path: str) -> str:
    word = raw.strip() if isinstance(raw, str) else ""
    if word not in words:
        raise RuleError(path, f"{abbreviate(raw)} is not known; {did_you_mean(word, words)}")
    return word


def _refuse_other_type(raw: object, kind: Kind, path: str) -> None:
    word = _require_known(raw.lower() if isinstance(raw, str) else raw, tuple(_KINDS_OF_TYPE), path)
    if kind not in _KINDS_OF_TYPE[word]:
        raise RuleError(path, f"is {word!r}, but this field is of kind {kind}.")


def _read_operator(raw: object, kind: Kind, path: str) -> Operator:
    """The operator with this symbol or key."""
    names = {name: operator for operator in list_operators(kind) for name in (operator.symbol, operator.key)}
    word = " ".join(raw.lower().split()) if isinstance(raw, str) and len(raw) <= _MAX_OPERATOR else ""
    word = _SYMBOL_VARIANTS.get(word, word)
    return names[_require_known(word or raw, tuple(names), path)]


def _read_values(raw: object, kind: ValueKind) -> object:
    return [_read_value(item, kind) for item in raw] if isinstance(raw, list) else _read_value(raw, kind)


def _read_value(raw: object, kind: ValueKind) -> object:
    """The older form also wrote whole numbers as text."""
    if kind in ("integer", "days", "count") and isinstance(raw, str) and re.fullmatch(r"-?[0-9]{1,18}", raw):
        return int(raw)
    return raw
