"""The rule as a tree: groups, complement and leaves, and the walk over it.

A new kind of leaf is a class here; mypy then names every place that must learn about it. Nothing here knows JSON,
the catalogue or SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from cdp.rules.errors import RuleError

#: Levels of nesting, the leaf included. Everything that recurses over a rule may rely on it.
MAX_DEPTH = 20
TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels; flatten the groups around it."

#: Places of a list of recommendations that count unless a rule says how many.
DEFAULT_PLACES = 10

Scalar: TypeAlias = int | Decimal | str | date
Value: TypeAlias = Scalar | tuple[Scalar, ...] | None


@dataclass(frozen=True, slots=True)
class All:
    """Every child holds."""

    children: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one child holds."""

    children: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The complement within the customers of the snapshot, those with a missing value included."""

    child: Rule


@dataclass(frozen=True, slots=True)
class Compare:
    """A metric compared with a value. False where the metric is missing, except for `is_not_set`."""

    field: str
    operator: str
    value: Value = None

    @property
    def values(self) -> tuple[Scalar, ...]:
        return list_values(self.value)


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on the events of a behaviour, such as the brand or the hour. False where the event lacks the field."""

    field: str
    operator: str
    value: Value = None

    @property
    def values(self) -> tuple[Scalar, ...]:
        return list_values(self.value)


@dataclass(frozen=True, slots=True)
class Window:
    """The days that count, up to and including the published one: the kind in cdp/rules/windows.py, and its values."""

    kind: str = "ever"
    values: tuple[int | date, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Events of one type ("any" for every type) that meet every filter."""

    event: str
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A measure of what the customer did within a window, compared with a value: "bought at least 3 items of brand X"."""

    step: Step
    measure: str
    operator: str
    value: Value = None
    window: Window = Window()

    @property
    def values(self) -> tuple[Scalar, ...]:
        return list_values(self.value)


@dataclass(frozen=True, slots=True)
class Sequence:
    """On a day of the window the customer did the first step; within so many days the second step follows, or does not.

    Days are compared, not times: the second step may be on the same day. "Does not follow" holds once those days are over.
    """

    first: Step
    then: Step
    follows: bool
    within_days: int
    #: The field of the event that both steps must share, such as the product; empty if they may differ.
    same: str = ""
    window: Window = Window()


@dataclass(frozen=True, slots=True)
class InSegment:
    """The customer meets the rule of another segment, on the same publication."""

    segment_id: int


@dataclass(frozen=True, slots=True)
class InList:
    """The customer's id is in an uploaded list."""

    list_id: int


@dataclass(frozen=True, slots=True)
class Recommended:
    """What the first places of the customer's list of recommendations have: one of these products, a product of one of these
    categories, or most often a category among these. A category is meant with all categories below it."""

    what: str
    values: tuple[str, ...]
    places: int = DEFAULT_PLACES


Leaf: TypeAlias = Compare | Behaviour | Sequence | InSegment | InList | Recommended
Rule: TypeAlias = All | Any | Not | Leaf


def list_values(value: Value) -> tuple[Scalar, ...]:
    """The values as a tuple, however many the operator takes."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def steps_of(leaf: Behaviour | Sequence) -> tuple[tuple[str, Step], ...]:
    """The steps of a leaf with their paths below it."""
    if isinstance(leaf, Behaviour):
        return (("", leaf.step),)
    return ((".first", leaf.first), (".then", leaf.then))


class RuleNode(NamedTuple):
    """A node with its path, such as `rule.all[1].not`, and its depth (the root is 1)."""

    path: str
    depth: int
    rule: Rule


def walk(rule: Rule) -> Iterator[RuleNode]:
    """Every node, parents before children, in reading order. Lazy and iterative: any depth is safe."""
    pending = [RuleNode("rule", 1, rule)]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(_list_children(node)))


def refuse_too_deep(rule: Rule) -> None:
    """Called before recursing over a rule that nothing has checked yet."""
    for node in walk(rule):
        if node.depth > MAX_DEPTH:
            raise RuleError(node.path, TOO_DEEP)


def _list_children(node: RuleNode) -> list[RuleNode]:
    depth = node.depth + 1
    match node.rule:
        case All(children):
            return [RuleNode(f"{node.path}.all[{i}]", depth, child) for i, child in enumerate(children)]
        case Any(children):
            return [RuleNode(f"{node.path}.any[{i}]", depth, child) for i, child in enumerate(children)]
        case Not(child):
            return [RuleNode(f"{node.path}.not", depth, child)]
        case _:
            return []
