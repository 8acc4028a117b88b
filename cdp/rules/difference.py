"""What differs between two rules: conditions that were added, removed or changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cdp.rules.canonical import to_canonical
from cdp.rules.tree import All, Any, Behaviour, Compare, InList, InSegment, Leaf, Not, Recommended, Rule, Sequence

#: A leaf, or the complement of one, which is a condition of its own.
Condition = Leaf | Not


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """The conditions that only one of two rules has. Equal conditions have the same canonical text."""

    added: list[Condition]
    removed: list[Condition]
    #: Pairs of an older and a newer condition about the same thing.
    changed: list[tuple[Condition, Condition]]
    #: The conditions are the same, but they are grouped in another way.
    is_regrouped: bool


def find_difference(before: Rule, after: Rule) -> RuleDifference:
    older, newer = ({to_canonical(each): each for each in _list_conditions(rule)} for rule in (before, after))
    removed = [each for text, each in older.items() if text not in newer]
    added = [each for text, each in newer.items() if text not in older]
    changed = _take_pairs(removed, added)
    is_equal = not (added or removed or changed)
    return RuleDifference(added, removed, changed, is_equal and to_canonical(before) != to_canonical(after))


def _list_conditions(rule: Rule) -> Iterator[Condition]:
    match rule:
        case All(children) | Any(children):
            for child in children:
                yield from _list_conditions(child)
        case Not(All() | Any() | Not() as child):
            yield from _list_conditions(child)
        case _:
            yield rule


def _take_pairs(removed: list[Condition], added: list[Condition]) -> list[tuple[Condition, Condition]]:
    """Take conditions about the same thing out of both lists."""
    pairs = []
    for older in list(removed):
        newer = next((each for each in added if _find_subject(each) == _find_subject(older)), None)
        if newer is not None:
            pairs.append((older, newer))
            removed.remove(older)
            added.remove(newer)
    return pairs


def _find_subject(condition: Condition) -> tuple[object, ...]:
    """What the condition is about, whatever it compares."""
    leaf = condition.child if isinstance(condition, Not) else condition
    match leaf:
        case Compare(field):
            return ("metric", field)
        case Behaviour(step, measure):
            return ("behaviour", step.event, measure)
        case Sequence(first, then):
            return ("sequence", first.event, then.event)
        case InSegment(number) | InList(number):
            return (type(leaf), number)
        case Recommended(what):
            return ("recommended", what)
    return ()
