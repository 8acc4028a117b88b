"""The models behind one interface: histories in, a score for every product out. Customers, visits and the evaluation ask in the
same way, so what is measured is what is served."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from cdp.recommend.histories import Floats, Histories, Ints

NEVER = -np.inf
#: Rows that are scored at a time: with 50,000 products they take 50 MB.
CHUNK = 256
LATEST = 10
LATEST_DECAY = 0.8
#: Factors are found for the latest products only, as serving does.
FOLDED = 100


class Model(Protocol):
    """`score` gives a row per history and a column per product. The highest score is the best; NEVER means: do not recommend."""

    @property
    def name(self) -> str: ...

    def score(self, histories: Histories) -> Floats: ...


@dataclass(frozen=True)
class Popular:
    """The same products for everybody."""

    popularity: Floats
    name: str = "popular"

    def score(self, histories: Histories) -> Floats:
        scores = np.where(self.popularity > 0, self.popularity, NEVER)
        return np.tile(scores, (len(histories), 1))


@dataclass(frozen=True)
class PopularInCategory:
    """What is popular in the categories of the history; then what is popular anywhere."""

    popularity: Floats
    category: Ints
    name: str = "popular-in-category"

    def score(self, histories: Histories) -> Floats:
        categories = int(self.category.max(initial=0)) + 1
        cell = histories.row * categories + self.category[histories.product]
        interest = np.bincount(cell, histories.strength, len(histories) * categories).reshape(-1, categories)
        scores = (interest[:, self.category] + 1e-6) * self.popularity
        return np.where(self.popularity > 0, scores, NEVER)


@dataclass(frozen=True)
class OwnPast:
    """What the history has: the strongest first."""

    products: int
    name: str = "own-past"

    def score(self, histories: Histories) -> Floats:
        scores = np.full((len(histories), self.products), NEVER)
        scores[histories.row, histories.product] = histories.strength
        return scores


@dataclass(frozen=True)
class LastViewed:
    """What the history has: the latest first."""

    products: int
    name: str = "last-viewed"

    def score(self, histories: Histories) -> Floats:
        scores = np.full((len(histories), self.products), NEVER)
        scores[histories.row, histories.product] = -histories.place
        return scores


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of the latest products, which count the less the longer ago they are."""

    name: str
    neighbours: Ints
    weights: Floats

    def score(self, histories: Histories) -> Floats:
        cells, weights = self._weigh(histories)
        sums = np.bincount(cells, weights, len(histories) * len(self.neighbours))
        return np.where(sums > 0, sums, NEVER).reshape(len(histories), -1)

    def score_near(self, history: Histories) -> tuple[Ints, Floats]:
        """The products that `score` does not rule out for one history, and their scores; quicker than all."""
        cells, weights = self._weigh(history)
        products, places = np.unique(cells, return_inverse=True)
        sums: Floats = np.bincount(places, weights, len(products)).astype(np.float64)
        return products[sums > 0], sums[sums > 0]

    def _weigh(self, histories: Histories) -> tuple[Ints, Floats]:
        """The row and the product of each neighbour as one number, and its weight."""
        latest = histories.keep_latest(LATEST)
        neighbours = self.neighbours[latest.product]
        weights = self.weights[latest.product] * (latest.strength * LATEST_DECAY**latest.place)[:, None]
        cells = latest.row[:, None] * len(self.neighbours) + neighbours
        exists = neighbours >= 0
        return cells[exists], weights[exists]


@dataclass(frozen=True)
class Als:
    """Factors of the products; those of a customer follow from the history."""

    factors: Floats
    regularisation: float
    alpha: float
    name: str = "als"

    @cached_property
    def unknown(self) -> Ints:
        """Products without factors."""
        return np.flatnonzero(~self.factors.any(axis=1))

    @cached_property
    def gram(self) -> Floats:
        return self.factors.T @ self.factors

    def score(self, histories: Histories) -> Floats:
        scores = self.fold_in(histories) @ self.factors.T
        scores[:, self.unknown] = NEVER
        scores[histories.lengths == 0] = NEVER
        return scores

    def fold_in(self, histories: Histories) -> Floats:
        """The factors of customers that training would find for these histories: the least squares of its last step."""
        strong = histories.keep_strong().keep_latest(FOLDED)
        vectors = np.zeros((len(histories), self.factors.shape[1]), np.float32)
        for row in np.flatnonzero(strong.lengths):
            of_row = slice(strong.starts[row], strong.starts[row + 1])
            factors, confidence = self.factors[strong.product[of_row]], self.alpha * strong.strength[of_row]
            matrix = self.gram + (factors.T * confidence) @ factors
            matrix[np.diag_indices_from(matrix)] += self.regularisation * len(factors)
            vectors[row] = np.linalg.solve(matrix, factors.T @ (1 + confidence))
        return vectors


def recommend(model: Model, histories: Histories, count: int, *, hide: bool = True) -> Ints:
    """The best products of each row, -1 where there are no more. `hide` leaves out what the history has."""
    lists = [
        _choose(model, histories.take(np.arange(first, min(first + CHUNK, len(histories)))), count, hide)
        for first in range(0, len(histories), CHUNK)
    ]
    return np.concatenate([np.empty((0, count), np.int64), *lists])


def _choose(model: Model, histories: Histories, count: int, hide: bool) -> Ints:
    scores = model.score(histories)
    if hide:
        scores[histories.row, histories.product] = NEVER
    few = min(count, scores.shape[1])
    best = np.sort(np.argpartition(-scores, few - 1, axis=1)[:, :few], axis=1)
    values = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    chosen = np.where(np.take_along_axis(values, order, axis=1) > NEVER, np.take_along_axis(best, order, axis=1), -1)
    return np.pad(chosen, ((0, 0), (0, count - few)), constant_values=-1)
