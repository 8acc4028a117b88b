"""One spelling for rules that mean the same by their form, and its hash: to see that a rule is there already.

Order, repetition and nesting of equal groups, double complement, the order in a list and the spelling of an amount
don't count. It is no proof of difference: De Morgan's pairs keep two hashes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from cdp.metrics import BY_KEY as METRICS
from cdp.rules import codec, values
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.tree import All, Any, Compare, Not, Rule, Scalar, refuse_too_deep


def canonical(rule: Rule) -> str:
    """The canonical document as JSON text."""
    refuse_too_deep(rule)
    return _text(_normal(rule))


def rule_hash(rule: Rule) -> str:
    """SHA-256 of the canonical text, as 64 hex digits."""
    return hashlib.sha256(canonical(rule).encode()).hexdigest()


def _text(rule: Rule) -> str:
    return json.dumps(codec.encode(rule), sort_keys=True, separators=(",", ":"))


def _normal(rule: Rule) -> Rule:
    match rule:
        case All(children):
            return _group(All, children)
        case Any(children):
            return _group(Any, children)
        case Not(child):
            inner = _normal(child)
            return inner.child if isinstance(inner, Not) else Not(inner)
        case Compare():
            return _comparison(rule)


def _group(kind: type[All] | type[Any], children: tuple[Rule, ...]) -> Rule:
    flat: dict[str, Rule] = {}
    for child in map(_normal, children):
        same = child.children if isinstance(child, kind) else (child,)
        flat.update((_text(member), member) for member in same)
    members = tuple(flat[text] for text in sorted(flat))
    return members[0] if len(members) == 1 else kind(members)


def _comparison(leaf: Compare) -> Compare:
    """Amounts as decimals even where they were given whole; a list whose order says nothing, sorted."""
    if not isinstance(leaf.value, tuple):
        return leaf if leaf.value is None else replace(leaf, value=_spelled(leaf, leaf.value))
    items = [_spelled(leaf, item) for item in leaf.value]
    if leaf.operator in OPERATORS and OPERATORS[leaf.operator].values == "many":
        items = sorted(set(items), key=str)
    return replace(leaf, value=tuple(items))


def _spelled(leaf: Compare, value: Scalar) -> Scalar:
    metric = METRICS.get(leaf.field)
    return values.read(metric.kind, value) if metric else value
