"""Ways to choose products. A list goes from one rung of a ladder to the next until it is full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cdp.recommend.histories import Flags, Histories, Ints
from cdp.recommend.models import NEVER, Model


@dataclass(frozen=True, slots=True)
class Pick:
    """A product of a list, and the rung that chose it."""

    number: int
    source: str
    is_new: bool = False  # shown because it is new


class Rung(Protocol):
    @property
    def source(self) -> str: ...

    def choose(self, allowed: Flags, count: int) -> Ints:
        """Up to `count` allowed products, the best first."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Products in a known order."""

    source: str
    products: Ints

    def choose(self, allowed: Flags, count: int) -> Ints:
        return self.products[allowed[self.products]][:count]


@dataclass(frozen=True, slots=True)
class Scored:
    """The products that a model scores highest for a history."""

    source: str
    model: Model
    history: Histories

    def choose(self, allowed: Flags, count: int) -> Ints:
        scores = np.where(allowed, self.model.score(self.history)[0], NEVER)
        few = min(count, len(scores))
        best = np.argpartition(-scores, few - 1)[:few] if few < len(scores) else np.arange(few)
        best = best[np.lexsort((best, -scores[best]))]
        return best[scores[best] > NEVER]


def climb(rungs: Iterable[Rung], allowed: Flags, count: int) -> list[Pick]:
    """The list: `count` products, if the rungs have so many that are allowed."""
    picks: list[Pick] = []
    free = allowed.copy()
    for rung in rungs:
        if len(picks) == count:
            break
        chosen = rung.choose(free, count - len(picks))
        picks += [Pick(number, rung.source) for number in chosen.tolist()]
        free[chosen] = False
    return picks
