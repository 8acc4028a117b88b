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
        """The values as a tuple, however many the operator takes."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)


Rule: TypeAlias = All | Any | Not | Compare


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
        case Compare():
            return []
