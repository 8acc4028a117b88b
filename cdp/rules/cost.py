"""What a rule costs before it runs: the rows that each condition reads. The most expensive one is named in a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.recommended import TOP_CATEGORY
from cdp.rules.tree import All, Any, Behaviour, Compare, InSegment, Not, Recommended, Rule, Sequence, steps_of, walk
from cdp.rules.windows import find_days

#: (event type or "any", first day or None, last day) -> rows of `interactions`.
CountRows = Callable[[str, date | None, date], int]
#: A row that is sorted, joined or counted once for each value costs about this many plain rows.
_HEAVY = 3
#: Measures that collect different values.
_DISTINCT_MEASURES = ("products", "categories", "brands", "days")


@dataclass(frozen=True, slots=True)
class Volume:
    """How much data there is on one publication."""

    as_of: date
    customers: int
    count_rows: CountRows


@dataclass(frozen=True, slots=True)
class LeafCost:
    """The rows that one condition reads; rows that need more work count several times."""

    path: str
    rows: int
    remedy: str


def estimate(rule: Rule, volume: Volume, segments: Mapping[int, Rule] | None = None) -> list[LeafCost]:
    """Every leaf of the rule. A segment costs what its own conditions cost."""
    segment_rows: dict[int, int] = {}
    for segment_id, other in (segments or {}).items():  # a segment comes after those that it refers to
        segment_rows[segment_id] = sum(each.rows for each in _estimate_leaves(other, volume, segment_rows))
    return list(_estimate_leaves(rule, volume, segment_rows))


def _estimate_leaves(rule: Rule, volume: Volume, segments: Mapping[int, int]) -> Iterator[LeafCost]:
    for node in walk(rule):
        match node.rule:
            case All() | Any() | Not():
                continue
            case Compare(_, operator) if OPERATORS[operator].compares == "rank":
                yield LeafCost(f"{node.path}.metric", volume.customers * _HEAVY, "Compare with a value instead of a rank.")
            case Behaviour(step, measure, _, _, window):
                first, last = find_days(window, volume.as_of)
                rows = volume.count_rows(step.event, first, last) * (_HEAVY if measure in _DISTINCT_MEASURES else 1)
                yield LeafCost(f"{node.path}.behaviour", rows, "Choose a shorter window or one type of event.")
            case Sequence():
                yield LeafCost(
                    f"{node.path}.sequence", _count_steps(node.rule, volume), "Choose a shorter window or rarer events."
                )
            case InSegment(segment_id):
                yield LeafCost(f"{node.path}.segment", segments[segment_id], "Refer to a simpler segment.")
            case Recommended(what, _, places):
                rows = volume.customers * places * (_HEAVY if what == TOP_CATEGORY else 1)
                yield LeafCost(f"{node.path}.recommended", rows, "Look at fewer places.")
            case _:
                yield LeafCost(node.path, volume.customers, "Leave it out.")


def _count_steps(leaf: Sequence, volume: Volume) -> int:
    first, last = find_days(leaf.window, volume.as_of)
    windows = {".first": (first, last), ".then": (first, volume.as_of)}
    return sum(volume.count_rows(step.event, *windows[name]) for name, step in steps_of(leaf)) * _HEAVY
