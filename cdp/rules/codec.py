"""Reads and writes the JSON document of a rule. Strict about the shape; check.py decides whether the content is valid.

    {"version": 1, "rule": {"all": [{"metric": {"field": "total_purchase", "operator": "ge", "value": 2}}]}}

Values are read by the kind of their field. A value that doesn't fit its kind stays unchanged, so `check` can report all
problems at once. Every rule that passes `check` comes back from `decode(encode(rule))` unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from cdp.errors import did_you_mean
from cdp.metrics import BY_KEY as METRICS
from cdp.rules import values
from cdp.rules.errors import RuleError, abbreviate
from cdp.rules.migrate import is_flat, upgrade
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.shape import require_list, require_object
from cdp.rules.tree import MAX_DEPTH, TOO_DEEP, All, Any, Compare, Not, Rule, Scalar, Value, refuse_too_deep

VERSION = 1


def decode(document: object) -> Rule:
    """The rule in a JSON document from `json.loads`. Raises RuleError with the path of the first fault."""
    if is_flat(document):
        document = upgrade(document)
    body = require_object(document, "document", required=("version", "rule"))
    version = body["version"]
    if type(version) is not int or version != VERSION:
        raise RuleError("version", f"is {abbreviate(version)}; this system reads version {VERSION}.")
    return _decode_node(body["rule"], "rule", 1)


def encode(rule: Rule) -> dict[str, object]:
    """The JSON document of a rule."""
    refuse_too_deep(rule)
    return {"version": VERSION, "rule": _encode_node(rule)}


def _decode_node(raw: object, path: str, depth: int) -> Rule:
    if depth > MAX_DEPTH:
        raise RuleError(path, TOO_DEEP)
    if not isinstance(raw, dict) or len(raw) != 1:
        raise RuleError(path, f"must be an object with exactly one of {', '.join(_DECODERS)}.")
    key, body = next(iter(raw.items()))
    if key not in _DECODERS:
        raise RuleError(path, f"{abbreviate(key)} is not a kind of rule; {did_you_mean(str(key), _DECODERS)}")
    return _DECODERS[key](body, f"{path}.{key}", depth)


def _decode_all(raw: object, path: str, depth: int) -> Rule:
    return All(_decode_children(raw, path, depth))


def _decode_any(raw: object, path: str, depth: int) -> Rule:
    return Any(_decode_children(raw, path, depth))


def _decode_children(raw: object, path: str, depth: int) -> tuple[Rule, ...]:
    return tuple(_decode_node(child, f"{path}[{i}]", depth + 1) for i, child in enumerate(require_list(raw, path)))


def _decode_not(raw: object, path: str, depth: int) -> Rule:
    return Not(_decode_node(raw, path, depth + 1))


def _decode_metric(raw: object, path: str, depth: int) -> Rule:
    body = require_object(raw, path, required=("field", "operator"), optional=("value",))
    field, operator = _require_text(body["field"], f"{path}.field"), _require_text(body["operator"], f"{path}.operator")
    return Compare(field, operator, _decode_value(body.get("value"), _find_value_kind(field, operator), f"{path}.value"))


def _require_text(raw: object, path: str) -> str:
    if not isinstance(raw, str):
        raise RuleError(path, f"must be a text, not {abbreviate(raw)}.")
    return raw


def _find_value_kind(field: str, operator: str) -> ValueKind | None:
    """None if field or operator is unknown: the value then stays unchanged."""
    if field not in METRICS or operator not in OPERATORS:
        return None
    return OPERATORS[operator].value_kind(METRICS[field].kind)


def _decode_value(raw: object, kind: ValueKind | None, path: str) -> Value:
    if raw is None:
        return None
    if isinstance(raw, list):
        return tuple(_decode_scalar(item, kind, f"{path}[{i}]") for i, item in enumerate(raw))
    return _decode_scalar(raw, kind, path)


def _decode_scalar(raw: object, kind: ValueKind | None, path: str) -> Scalar:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise RuleError(path, f"must be a number or a text, not {abbreviate(raw)}.")
    if isinstance(raw, float):
        raw = Decimal(repr(raw))
    if isinstance(raw, Decimal) and not raw.is_finite():
        raise RuleError(path, f"must be a finite number, not {abbreviate(raw)}.")
    return values.read(kind, raw)


#: One reader for every kind of node in a document. A new kind of leaf needs one more entry.
_DECODERS: dict[str, Callable[[object, str, int], Rule]] = {
    "all": _decode_all,
    "any": _decode_any,
    "not": _decode_not,
    "metric": _decode_metric,
}


def _encode_node(rule: Rule) -> dict[str, object]:
    match rule:
        case All(children):
            return {"all": [_encode_node(child) for child in children]}
        case Any(children):
            return {"any": [_encode_node(child) for child in children]}
        case Not(child):
            return {"not": _encode_node(child)}
        case Compare(field, operator, value):
            encoded_value = {} if value is None else {"value": values.write(value)}
            return {"metric": {"field": field, "operator": operator, **encoded_value}}
