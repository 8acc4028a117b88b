"""The canonical form of a rule and its hash, to detect that an equal rule exists already.

The form ignores order, repetition and nesting of equal groups, double complements, the order in a list and the spelling of an
amount. Different hashes do not prove different meanings: De Morgan's pairs have two hashes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from cdp.metrics import BY_KEY as METRICS
from cdp.rules import codec, values
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.tree import All, Any, Compare, Not, Rule, Scalar, refuse_too_deep


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
        case Compare():
            return _normalise_comparison(rule)


def _normalise_group(kind: type[All] | type[Any], children: tuple[Rule, ...]) -> Rule:
    flat: dict[str, Rule] = {}
    for child in map(_normalise, children):
        same = child.children if isinstance(child, kind) else (child,)
        flat.update((_to_text(member), member) for member in same)
    members = tuple(flat[text] for text in sorted(flat))
    return members[0] if len(members) == 1 else kind(members)


def _normalise_comparison(leaf: Compare) -> Compare:
    """Amounts become decimals even if they were whole; a list whose order has no meaning is sorted."""
    if not isinstance(leaf.value, tuple):
        return leaf if leaf.value is None else replace(leaf, value=_normalise_value(leaf, leaf.value))
    require_list = [_normalise_value(leaf, item) for item in leaf.value]
    if leaf.operator in OPERATORS and OPERATORS[leaf.operator].values == "many":
        require_list = sorted(set(require_list), key=str)
    return replace(leaf, value=tuple(require_list))


def _normalise_value(leaf: Compare, value: Scalar) -> Scalar:
    metric = METRICS.get(leaf.field)
    return values.read(metric.kind, value) if metric else value
