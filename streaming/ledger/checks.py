"""Equations between counts, and whether they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """One equation, and whether it holds."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum with named parts: `good 5 + replayed 2`."""

    parts: Sequence[tuple[str, int]] = field(default_factory=tuple)

    @property
    def total(self) -> int:
        return sum(number for _, number in self.parts)

    def __str__(self) -> str:
        return " + ".join(f"{name} {number:,}" for name, number in self.parts)


def compare(place: str, left: Sum, right: Sum) -> LedgerCheck:
    ok = left.total == right.total
    return LedgerCheck(ok, f"{place}: {left} {'=' if ok else '≠'} {right}")
