"""The smallest change that would turn the answer of a rule: which conditions would have to be the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cdp.rules.tree import All, Any, Leaf, Not, Rule


@dataclass(frozen=True, slots=True)
class LeafChange:
    """A condition that would have to change, and what it would have to be."""

    path: str
    leaf: Leaf
    to: bool


def smallest_change(rule: Rule, truths: Mapping[Leaf, bool], wanted: bool = True) -> list[LeafChange]:
    """The fewest conditions; none if the rule is as wanted already. Of equally few, the first ones in reading order."""
    return _find_changes(rule, truths, "rule", wanted)


def _find_changes(rule: Rule, truths: Mapping[Leaf, bool], path: str, wanted: bool) -> list[LeafChange]:
    match rule:
        case All(children) | Any(children):
            word = "all" if isinstance(rule, All) else "any"
            options = [_find_changes(child, truths, f"{path}.{word}[{i}]", wanted) for i, child in enumerate(children)]
            if isinstance(rule, All) == wanted:
                return [change for option in options for change in option]
            return min(options, key=len)
        case Not(child):
            return _find_changes(child, truths, f"{path}.not", not wanted)
        case _:
            return [] if truths[rule] == wanted else [LeafChange(path, rule, wanted)]
