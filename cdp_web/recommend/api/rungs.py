"""Ways to choose products. A list goes from one rung of a ladder to the next until it is full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cdp.recommend.histories import Flags, Histories, Ints
from cdp.recommend.models import NEVER, Model, Neighbours


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
        if isinstance(self.model, Neighbours):
            products, scores = self.model.score_near(self.history)
        else:
            scores = self.model.score(self.history)[0]
            products = np.flatnonzero(scores > NEVER)
            scores = scores[products]
        free = allowed[products]
        products, scores = products[free], scores[free]
        if count < len(products):
            best = np.argpartition(-scores, count)[:count]
            products, scores = products[best], scores[best]
        chosen: Ints = products[np.lexsort((products, -scores))]
        return chosen


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
