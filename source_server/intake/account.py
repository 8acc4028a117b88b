"""Counts what became of a file's rows: read, left out, events, refused, and why. Accounts of parts can be added."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from cdp.events import REASONS

MAX_PLACES = 5
COUNTED_ONCE, KEPT_SEPARATE = "  repeated rows, counted once", "  repeated rows, each kept"
NOTES = {COUNTED_ONCE: ['to keep each as a separate event, set repeated = "keep" in the mapping (docs/mappings.md)']}
SHOWN_DETAIL = 100
_DESCRIPTIONS = {reason.code: reason.says for reason in REASONS}


@dataclass(slots=True)
class Refusals:
    """Rows refused for one reason: their number, the places of the first ones, and what is wrong with the very first."""

    count: int = 0
    places: list[int] = field(default_factory=list)
    field: str | None = None
    detail: str = ""

    def __add__(self, other: Refusals) -> Refusals:
        """The other's rows come later in the file."""
        first = self if self.count else other
        places = (self.places + other.places)[:MAX_PLACES]
        return Refusals(self.count + other.count, places, first.field, first.detail)


@dataclass(slots=True)
class FileAccount:
    """read == sum of skipped + events + sum of refused."""

    read: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    events: int = 0
    refused: dict[str, Refusals] = field(default_factory=dict)
    place: str = "line"  # the unit of the places: lines of text or rows of a table
    repeated: int = 0  # events that repeat an earlier row
    repeated_kept: int = 0  # repeated events that are kept as separate events

    def __add__(self, other: FileAccount) -> FileAccount:
        skipped = dict(self.skipped)
        for rule, count in other.skipped.items():
            skipped[rule] = skipped.get(rule, 0) + count
        refused = dict(self.refused)
        for reason, refusals in other.refused.items():
            refused[reason] = refused.get(reason, Refusals()) + refusals
        place = other.place if other.read else self.place
        return FileAccount(
            self.read + other.read, skipped, self.events + other.events, refused, place,
            self.repeated + other.repeated, self.repeated_kept + other.repeated_kept,
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> FileAccount:
        refused = {reason: Refusals(**refusals) for reason, refusals in values["refused"].items()}
        return cls(**{**values, "refused": refused})

    @property
    def refused_count(self) -> int:
        return sum(refusals.count for refusals in self.refused.values())

    def __str__(self) -> str:
        """A table of counts; each reason with its description, its first places and an example."""
        skips = [(f"  {rule}", count) for rule, count in self.skipped.items()]
        reasons = [(f"  {reason}", refusals.count) for reason, refusals in self._sort_refusals()]
        rows = [("rows read", self.read)]
        rows += [("left out by the mapping", sum(self.skipped.values())), *skips] if skips else []
        rows += [("events", self.events)]
        rows += [(COUNTED_ONCE, once)] if (once := self.repeated - self.repeated_kept) else []
        rows += [(KEPT_SEPARATE, self.repeated_kept)] if self.repeated_kept else []
        rows += [("refused, kept in quarantine", self.refused_count), *reasons] if reasons else []
        wide = max(len(name) for name, _ in rows)
        digits = max(len(f"{count:,}") for _, count in rows)
        notes = {f"  {reason}": self._describe(reason, refusals) for reason, refusals in self._sort_refusals()} | NOTES
        return "\n".join(
            f"{name:<{wide}}  {count:>{digits},}{_indent(notes.get(name), wide + digits + 4)}" for name, count in rows
        )

    def _sort_refusals(self) -> list[tuple[str, Refusals]]:
        return [(code, self.refused[code]) for code in _DESCRIPTIONS if code in self.refused]

    def _describe(self, reason: str, refusals: Refusals) -> list[str]:
        places = ", ".join(f"{place:,}" for place in refusals.places)
        several = "s" if refusals.count > 1 else ""
        more = ", …" if refusals.count > len(refusals.places) else ""
        what = f"{refusals.field}: {refusals.detail}" if refusals.field else refusals.detail
        cut = what if len(what) <= SHOWN_DETAIL else what[:SHOWN_DETAIL] + "…"
        return [_DESCRIPTIONS[reason], f"{self.place}{several} {places}{more}: {cut}"]


def _indent(notes: list[str] | None, column: int) -> str:
    """The first note follows the number; the others go below it."""
    if not notes:
        return ""
    return "  " + ("\n" + " " * column).join(notes)
