"""Reads and writes the JSON document of a rule. Strict about the shape; check.py decides whether the content is valid.

    {"version": 1, "rule": {"all": [
        {"metric": {"field": "total_purchase", "operator": "ge", "value": 2}},
        {"behaviour": {"event": "cart", "where": [{"field": "brand", "operator": "in", "value": ["acme"]}],
                       "measure": "events", "operator": "ge", "value": 1, "window": {"last_days": 7}}},
        {"sequence": {"first": {"event": "cart"}, "then": {"event": "purchase"}, "follows": false, "within_days": 2,
                      "same": "product_id"}},
        {"not": {"segment": {"id": 7}}}, {"list": {"id": 3}},
        {"recommended": {"what": "category", "values": ["electronics.audio"], "places": 10}}]}}

A behaviour may also say `"did": true` or `"did": false` instead of measure, operator and value.

Values are read by the kind of their field. A value that doesn't fit its kind stays unchanged, so `check` can report all
problems at once. Every rule that passes `check` comes back from `decode(encode(rule))` unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any as Anything

from cdp.errors import did_you_mean
from cdp.metrics import BY_KEY as METRICS
from cdp.rules import values
from cdp.rules.behaviours import FIELDS_BY_KEY, MEASURES_BY_KEY
from cdp.rules.errors import RuleError, abbreviate
from cdp.rules.migrate import is_flat, upgrade
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.shape import refuse_too_big, require_list, require_object
from cdp.rules.tree import (
    DEFAULT_PLACES,
    MAX_DEPTH,
    TOO_DEEP,
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Leaf,
    Not,
    Recommended,
    Rule,
    Scalar,
    Sequence,
    Step,
    Value,
    Window,
    refuse_too_deep,
)
from cdp.rules.windows import WINDOWS_BY_KEY

VERSION = 1


def decode(document: object) -> Rule:
    """The rule in a JSON document from `json.loads`. Raises RuleError with the path of the first fault."""
    refuse_too_big(document)
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


def _decode_behaviour(raw: object, path: str, depth: int) -> Rule:
    body = require_object(raw, path, required=("event",), optional=("where", "measure", "operator", "value", "did", "window"))
    step = Step(_require_text(body["event"], f"{path}.event"), _decode_filters(body.get("where", []), f"{path}.where"))
    window = _decode_window(body.get("window"), f"{path}.window")
    if "did" in body:
        return _decode_did(body, step, window, path)
    measure = _require_text(body.get("measure", "events"), f"{path}.measure")
    operator = _require_text(body.get("operator"), f"{path}.operator")
    kind = MEASURES_BY_KEY[measure].kind if measure in MEASURES_BY_KEY else None
    value = _decode_value(body.get("value"), _apply_operator(kind, operator), f"{path}.value")
    return Behaviour(step, measure, operator, value, window)


def _decode_did(body: dict[str, object], step: Step, window: Window, path: str) -> Behaviour:
    for key in ("measure", "operator", "value"):
        if key in body:
            raise RuleError(f"{path}.{key}", "does not go with did; leave one of them out.")
    if not isinstance(body["did"], bool):
        raise RuleError(f"{path}.did", f"must be true or false, not {abbreviate(body['did'])}.")
    return Behaviour(step, "events", "ge" if body["did"] else "eq", int(body["did"]), window)


def _decode_sequence(raw: object, path: str, depth: int) -> Rule:
    required = ("first", "then", "within_days")
    body = require_object(raw, path, required=required, optional=("follows", "same", "window"))
    first, then = (_decode_step(body[key], f"{path}.{key}") for key in ("first", "then"))
    follows, same = body.get("follows", True), body.get("same")
    if not isinstance(follows, bool):
        raise RuleError(f"{path}.follows", f"must be true or false, not {abbreviate(follows)}.")
    window = _decode_window(body.get("window"), f"{path}.window")
    days = _require_whole_number(body["within_days"], f"{path}.within_days")
    return Sequence(first, then, follows, days, "" if same is None else _require_text(same, f"{path}.same"), window)


def _decode_step(raw: object, path: str) -> Step:
    body = require_object(raw, path, required=("event",), optional=("where",))
    return Step(_require_text(body["event"], f"{path}.event"), _decode_filters(body.get("where", []), f"{path}.where"))


def _decode_filters(raw: object, path: str) -> tuple[Filter, ...]:
    return tuple(_decode_filter(each, f"{path}[{i}]") for i, each in enumerate(require_list(raw, path)))


def _decode_filter(raw: object, path: str) -> Filter:
    body = require_object(raw, path, required=("field", "operator"), optional=("value",))
    field, operator = _require_text(body["field"], f"{path}.field"), _require_text(body["operator"], f"{path}.operator")
    kind = FIELDS_BY_KEY[field].kind if field in FIELDS_BY_KEY else None
    return Filter(field, operator, _decode_value(body.get("value"), _apply_operator(kind, operator), f"{path}.value"))


def _decode_window(raw: object, path: str) -> Window:
    """`{"last_days": 7}`, `{"between": ["2019-10-01", "2019-10-31"]}`, or the name of a window without values. An unknown window
    keeps its name alone, for `check` to report."""
    if raw is None:
        return Window()
    if isinstance(raw, str):
        return Window(raw)
    if not isinstance(raw, dict) or len(raw) != 1:
        raise RuleError(path, 'must be one window, such as {"last_days": 7} or "this_month".')
    key, body = next(iter(raw.items()))
    kind = WINDOWS_BY_KEY.get(key)
    if kind is None:
        return Window(str(key))
    items = body if isinstance(body, list) else [body]
    return Window(key, tuple(_decode_window_value(item, kind.takes or None, f"{path}.{key}") for item in items))


def _decode_window_value(raw: object, kind: ValueKind | None, path: str) -> int | date:
    value = _decode_scalar(raw, kind, path)
    if not isinstance(value, int | date):
        raise RuleError(path, f"must be a number of days or a day such as 2019-10-31, not {abbreviate(raw)}.")
    return value


def _decode_segment(raw: object, path: str, depth: int) -> Rule:
    return InSegment(_decode_id(raw, path))


def _decode_list(raw: object, path: str, depth: int) -> Rule:
    return InList(_decode_id(raw, path))


def _decode_recommended(raw: object, path: str, depth: int) -> Rule:
    body = require_object(raw, path, required=("what", "values"), optional=("places",))
    values = require_list(body["values"], f"{path}.values")
    return Recommended(
        _require_text(body["what"], f"{path}.what"),
        tuple(_require_text(value, f"{path}.values[{i}]") for i, value in enumerate(values)),
        _require_whole_number(body.get("places", DEFAULT_PLACES), f"{path}.places"),
    )


def _decode_id(raw: object, path: str) -> int:
    return _require_whole_number(require_object(raw, path, required=("id",))["id"], f"{path}.id")


def _require_whole_number(raw: object, path: str) -> int:
    if type(raw) is not int:
        raise RuleError(path, f"must be a whole number, not {abbreviate(raw)}.")
    return raw


def _require_text(raw: object, path: str) -> str:
    if not isinstance(raw, str):
        raise RuleError(path, f"must be a text, not {abbreviate(raw)}.")
    return raw


def _find_value_kind(field: str, operator: str) -> ValueKind | None:
    """None if field or operator is unknown: the value then stays unchanged."""
    return _apply_operator(METRICS[field].kind if field in METRICS else None, operator)


def _apply_operator(kind: ValueKind | None, operator: str) -> ValueKind | None:
    return OPERATORS[operator].value_kind(kind) if kind and operator in OPERATORS else None


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
    "behaviour": _decode_behaviour,
    "sequence": _decode_sequence,
    "segment": _decode_segment,
    "list": _decode_list,
    "recommended": _decode_recommended,
}


def _encode_node(rule: Rule) -> dict[str, object]:
    match rule:
        case All(children):
            return {"all": [_encode_node(child) for child in children]}
        case Any(children):
            return {"any": [_encode_node(child) for child in children]}
        case Not(child):
            return {"not": _encode_node(child)}
        case _:
            return _encode_leaf(rule)


def _encode_leaf(leaf: Leaf) -> dict[str, object]:
    match leaf:
        case Compare():
            return {"metric": _encode_comparison(leaf)}
        case Behaviour(step, measure, operator, value, window):
            body = {**_encode_step(step), "measure": measure, "operator": operator, **_encode_value(value)}
            return {"behaviour": {**body, **_encode_window(window)}}
        case Sequence(first, then, follows, within_days, same, window):
            same_field = {"same": same} if same else {}
            steps = {"first": _encode_step(first), "then": _encode_step(then)}
            return {"sequence": {**steps, "follows": follows, "within_days": within_days, **same_field, **_encode_window(window)}}
        case InSegment(segment_id):
            return {"segment": {"id": segment_id}}
        case InList(list_id):
            return {"list": {"id": list_id}}
        case Recommended(what, texts, places):
            return {"recommended": {"what": what, "values": list(texts), "places": places}}


def _encode_step(step: Step) -> dict[str, Anything]:
    return {"event": step.event, **({"where": list(map(_encode_comparison, step.filters))} if step.filters else {})}


def _encode_comparison(comparison: Compare | Filter) -> dict[str, object]:
    return {"field": comparison.field, "operator": comparison.operator, **_encode_value(comparison.value)}


def _encode_value(value: Value) -> dict[str, object]:
    return {} if value is None else {"value": values.write(value)}


def _encode_window(window: Window) -> dict[str, object]:
    match window:
        case Window("ever", ()):
            return {}
        case Window(kind, ()):
            return {"window": kind}
        case Window(kind, (only,)):
            return {"window": {kind: values.write(only)}}
    return {"window": {window.kind: values.write(window.values)}}
