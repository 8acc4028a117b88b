"""A rule from and to its JSON document. Strict about the shape; what a rule may say is check.py's business.

    {"version": 1, "rule": {"all": [{"metric": {"field": "total_purchase", "operator": "ge", "value": 2}}]}}

Values are read by the kind of their field. One that doesn't fit its kind stays as it came, so that `check` can name
all that is wrong at once. Every rule that passes `check` comes back from `decode(encode(rule))` unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from cdp.metrics import BY_KEY as METRICS
from cdp.rules import values
from cdp.rules.errors import RuleError, did_you_mean, shown
from cdp.rules.migrate import is_flat, upgrade
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.shape import entries, items
from cdp.rules.tree import MAX_DEPTH, All, Any, Compare, Not, Rule, Scalar, Value, refuse_too_deep, too_deep

VERSION = 1


def decode(document: object) -> Rule:
    """The rule in a JSON document, as `json.loads` gives it. Raises RuleError with the place of the first fault."""
    if is_flat(document):
        document = upgrade(document)
    body = entries(document, "document", required=("version", "rule"))
    version = body["version"]
    if type(version) is not int or version != VERSION:
        raise RuleError("version", f"is {shown(version)}; this system reads version {VERSION}.")
    return _node(body["rule"], "rule", 1)


def encode(rule: Rule) -> dict[str, object]:
    """The JSON document of a rule."""
    refuse_too_deep(rule)
    return {"version": VERSION, "rule": _written(rule)}


def _node(raw: object, path: str, depth: int) -> Rule:
    if depth > MAX_DEPTH:
        raise RuleError(path, too_deep())
    if not isinstance(raw, dict) or len(raw) != 1:
        raise RuleError(path, f"must be an object with exactly one of {', '.join(_NODES)}.")
    key, body = next(iter(raw.items()))
    if key not in _NODES:
        raise RuleError(path, f"{shown(key)} is not a kind of rule; {did_you_mean(str(key), _NODES)}")
    return _NODES[key](body, f"{path}.{key}", depth)


def _all(raw: object, path: str, depth: int) -> Rule:
    return All(_children(raw, path, depth))


def _any(raw: object, path: str, depth: int) -> Rule:
    return Any(_children(raw, path, depth))


def _children(raw: object, path: str, depth: int) -> tuple[Rule, ...]:
    return tuple(_node(child, f"{path}[{i}]", depth + 1) for i, child in enumerate(items(raw, path)))


def _not(raw: object, path: str, depth: int) -> Rule:
    return Not(_node(raw, path, depth + 1))


def _metric(raw: object, path: str, depth: int) -> Rule:
    body = entries(raw, path, required=("field", "operator"), optional=("value",))
    field, operator = _word(body["field"], f"{path}.field"), _word(body["operator"], f"{path}.operator")
    return Compare(field, operator, _value(body.get("value"), _value_kind(field, operator), f"{path}.value"))


def _word(raw: object, path: str) -> str:
    if not isinstance(raw, str):
        raise RuleError(path, f"must be a text, not {shown(raw)}.")
    return raw


def _value_kind(field: str, operator: str) -> ValueKind | None:
    """None where field or operator is unknown: the value stays as it came."""
    if field not in METRICS or operator not in OPERATORS:
        return None
    return OPERATORS[operator].value_kind(METRICS[field].kind)


def _value(raw: object, kind: ValueKind | None, path: str) -> Value:
    if raw is None:
        return None
    if isinstance(raw, list):
        return tuple(_scalar(item, kind, f"{path}[{i}]") for i, item in enumerate(raw))
    return _scalar(raw, kind, path)


def _scalar(raw: object, kind: ValueKind | None, path: str) -> Scalar:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise RuleError(path, f"must be a number or a text, not {shown(raw)}.")
    if isinstance(raw, float):
        raw = Decimal(repr(raw))
    if isinstance(raw, Decimal) and not raw.is_finite():
        raise RuleError(path, f"must be a finite number, not {shown(raw)}.")
    return values.read(kind, raw)


#: Every kind of node that a document may hold. A new leaf is read by one more entry.
_NODES: dict[str, Callable[[object, str, int], Rule]] = {"all": _all, "any": _any, "not": _not, "metric": _metric}


def _written(rule: Rule) -> dict[str, object]:
    match rule:
        case All(children):
            return {"all": [_written(child) for child in children]}
        case Any(children):
            return {"any": [_written(child) for child in children]}
        case Not(child):
            return {"not": _written(child)}
        case Compare(field, operator, value):
            written = {} if value is None else {"value": values.write(value)}
            return {"metric": {"field": field, "operator": operator, **written}}
