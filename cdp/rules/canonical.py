"""The canonical form of a rule and its hash, to detect that an equal rule exists already.

The form ignores order, repetition and nesting of equal groups, double complements, the order in a list and the spelling of an
amount. Different hashes do not prove different meanings: De Morgan's pairs have two hashes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TypeVar

from cdp.metrics import BY_KEY as METRICS
from cdp.rules import codec, values
from cdp.rules.behaviours import FIELDS_BY_KEY, MEASURES_BY_KEY
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.tree import (
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Not,
    Recommended,
    Rule,
    Scalar,
    Sequence,
    Step,
    refuse_too_deep,
)


def to_canonical(rule: Rule) -> str:
    """The canonical document as JSON text."""
    refuse_too_deep(rule)
    return _to_text(_normalise(rule))


def hash_rule(rule: Rule) -> str:
    """SHA-256 of the canonical text, as 64 hex digits."""
    return hashlib.sha256(to_canonical(rule).encode()).hexdigest()


def _to_text(rule: Rule) -> str:
    return json.dumps(codec.encode(rule), sort_keys=True, separators=(",", ":"))


def _normalise(rule: Rule) -> Rule:
    match rule:
        case All(children):
            return _normalise_group(All, children)
        case Any(children):
            return _normalise_group(Any, children)
        case Not(child):
            inner = _normalise(child)
            return inner.child if isinstance(inner, Not) else Not(inner)
        case Compare(field):
            return _normalise_values(rule, METRICS[field].kind if field in METRICS else None)
        case Behaviour(step, measure):
            kind = MEASURES_BY_KEY[measure].kind if measure in MEASURES_BY_KEY else None
            return _normalise_values(replace(rule, step=_normalise_step(step)), kind)
        case Sequence(first, then):
            return replace(rule, first=_normalise_step(first), then=_normalise_step(then))
        case Recommended(values=texts):
            return replace(rule, values=tuple(sorted(set(texts))))
        case InSegment() | InList():
            return rule


def _normalise_group(kind: type[All] | type[Any], children: tuple[Rule, ...]) -> Rule:
    flat: dict[str, Rule] = {}
    for child in map(_normalise, children):
        same = child.children if isinstance(child, kind) else (child,)
        flat.update((_to_text(member), member) for member in same)
    members = tuple(flat[text] for text in sorted(flat))
    return members[0] if len(members) == 1 else kind(members)


def _normalise_step(step: Step) -> Step:
    """Every filter must hold, so their order and repetitions have no meaning."""
    filters = {
        _normalise_values(each, FIELDS_BY_KEY[each.field].kind if each.field in FIELDS_BY_KEY else None) for each in step.filters
    }
    return replace(step, filters=tuple(sorted(filters, key=_to_sort_key)))


def _to_sort_key(each: Filter) -> str:
    """As in the document, so that 10 and 1E+1 sort alike."""
    return json.dumps([each.field, each.operator, values.write(each.value)])


Comparison = TypeVar("Comparison", Compare, Behaviour, Filter)


def _normalise_values(leaf: Comparison, kind: ValueKind | None) -> Comparison:
    """Amounts become decimals even if they were whole; a list whose order has no meaning is sorted."""
    if leaf.value is None:
        return leaf
    operator = OPERATORS.get(leaf.operator)
    value_kind = operator.value_kind(kind) if operator and kind else None
    if not isinstance(leaf.value, tuple):
        return replace(leaf, value=_normalise_value(leaf.value, value_kind))
    items = [_normalise_value(item, value_kind) for item in leaf.value]
    if operator and operator.values == "many":
        items = sorted(set(items), key=lambda item: (str(item), repr(item)))
    return replace(leaf, value=tuple(items))


def _normalise_value(value: Scalar, kind: ValueKind | None) -> Scalar:
    return values.read(kind, value) if kind else value
