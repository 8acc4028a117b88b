"""Why a customer is in a segment or not: every node of the rule with its sentence, its answer, and the values behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from cdp.rules.changes import LeafChange, smallest_change
from cdp.rules.check import require_valid
from cdp.rules.facts import Facts, Rank
from cdp.rules.interpret import holds, is_in_window, measure_behaviour, select_step
from cdp.rules.names import Names
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.phrases import Language
from cdp.rules.recommended import find_recommended
from cdp.rules.sentence import to_sentence
from cdp.rules.tree import (
    All,
    Any,
    Behaviour,
    Compare,
    InList,
    InSegment,
    Leaf,
    Not,
    Recommended,
    Rule,
    Sequence,
    walk,
)


@dataclass(frozen=True, slots=True)
class StepDays:
    """The first and the last day on which the customer did a step."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class SequenceDays:
    """When the customer did the two steps; None for a step that the customer never did."""

    first: StepDays | None
    then: StepDays | None


Actual: TypeAlias = int | Decimal | Fraction | date | str | Rank | SequenceDays | None

_KINDS: dict[type[Rule], str] = {
    All: "all", Any: "any", Not: "not", Compare: "metric", Behaviour: "behaviour", Sequence: "sequence", InSegment: "segment",
    InList: "list", Recommended: "recommended",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NodeExplanation:
    """One node of the rule for one customer. `kind` is the key of the node in the document."""

    path: str
    depth: int
    kind: str
    rule: Rule
    sentence: str
    holds: bool
    #: The customer's value, for a leaf that compares one.
    actual: Actual = None

    @property
    def is_leaf(self) -> bool:
        return not isinstance(self.rule, All | Any | Not)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule for one customer, in reading order."""

    nodes: list[NodeExplanation]
    #: For a customer who is out: the fewest conditions that would have to change.
    changes: list[LeafChange]
    #: The customer is out and no change of single conditions would help, because the conditions exclude each other.
    is_contradiction: bool

    @property
    def holds(self) -> bool:
        return self.nodes[0].holds


def explain(rule: Rule, facts: Facts, names: Names | None = None, language: Language = "en") -> Explanation:
    """Raises RuleError for a rule that does not pass `check`."""
    require_valid(rule)
    nodes = [
        NodeExplanation(
            node.path, node.depth, _KINDS[type(node.rule)], node.rule, to_sentence(node.rule, names or Names(), language),
            holds(node.rule, facts), find_actual(node.rule, facts),
        )
        for node in walk(rule)
    ]  # fmt: skip
    truths: dict[Leaf, bool] = {node.rule: node.holds for node in nodes if not isinstance(node.rule, All | Any | Not)}
    changes = smallest_change(rule, truths)
    works = combine(rule, {**truths, **{change.leaf: change.to for change in changes}}.__getitem__)
    return Explanation(nodes, changes if works else [], not works)


def find_actual(rule: Rule, facts: Facts) -> Actual:
    """The customer's value that a leaf compares; None for other nodes."""
    match rule:
        case Compare(field, operator) if OPERATORS[operator].compares == "rank":
            return facts.rank(field)
        case Compare(field):
            return facts.metrics.get(field)  # type: ignore[return-value]
        case Behaviour():
            return measure_behaviour(rule, facts)
        case Sequence(first, then):
            within = [row.day for row in select_step(first, facts) if is_in_window(row.day, rule.window, facts.as_of)]
            return SequenceDays(_find_ends(within), _find_ends([row.day for row in select_step(then, facts)]))
        case Recommended():
            return find_recommended(rule, facts.recommendations)
    return None


def combine(rule: Rule, truth: Callable[[Leaf], bool]) -> bool:
    """The answer of a rule from the answers of its leaves."""
    match rule:
        case All(children):
            return all(combine(child, truth) for child in children)
        case Any(children):
            return any(combine(child, truth) for child in children)
        case Not(child):
            return not combine(child, truth)
        case _:
            return truth(rule)


def list_reachable(rule: Rule, segments: Mapping[int, Rule]) -> list[Rule]:
    """The rule and the rules of all segments that it refers to, directly or through others, each once."""
    rules, pending, ids = [], [rule], set[int]()
    while pending:
        current = pending.pop(0)
        rules.append(current)
        for node in walk(current):
            if isinstance(node.rule, InSegment) and node.rule.segment_id not in ids:
                ids.add(node.rule.segment_id)
                pending.append(segments[node.rule.segment_id])
    return rules


def _find_ends(days: list[date]) -> StepDays | None:
    return StepDays(min(days), max(days)) if days else None
