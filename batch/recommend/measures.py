"""How good lists are: measures of a list against what the customer then chose, and the bound of a difference."""

from __future__ import annotations

import numpy as np

from cdp.recommend.histories import Flags, Floats, Histories, Ints

RESAMPLES = 1000
SEED = 7


def find_hits(lists: Ints, targets: Histories) -> Flags:
    """Whether each entry of each list is a target of its row."""
    width = int(max(lists.max(initial=0), targets.product.max(initial=0))) + 1
    cells = np.arange(len(lists))[:, None] * width + lists
    return np.isin(cells, targets.row * width + targets.product) & (lists >= 0)


def measure_ndcg(hits: Flags, targets: Ints) -> Floats:
    """Hits near the top count more; 1 is the best possible list. `targets` is their number in each row."""
    gains = 1 / np.log2(np.arange(hits.shape[1]) + 2)
    best = np.concatenate([[0.0], np.cumsum(gains)])[np.minimum(targets, hits.shape[1])]
    return (hits * gains).sum(axis=1) / best


def measure_recall(hits: Flags, targets: Ints) -> Floats:
    return hits.sum(axis=1) / targets


def measure_precision(hits: Flags, targets: Ints) -> Floats:
    """Average precision: the share of hits down to each hit."""
    shares = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return (shares * hits).sum(axis=1) / np.minimum(targets, hits.shape[1])


def measure_reciprocal_rank(hits: Flags) -> Floats:
    return (hits / np.arange(1, hits.shape[1] + 1)).max(axis=1, initial=0.0)


def measure_coverage(lists: Ints, products: int) -> float:
    """The share of all products that are in some list."""
    return len(np.unique(lists[lists >= 0])) / products


def measure_concentration(lists: Ints, products: int) -> float:
    """The share of the places of the lists that the most frequent percent of all products take."""
    counts = np.sort(np.bincount(lists[lists >= 0], minlength=products))[::-1]
    return float(counts[: max(1, products // 100)].sum() / max(1, counts.sum()))


def measure_novelty(lists: Ints, popularity: Floats) -> float:
    """How surprising the products are on average, in bits: a product of half of all events has one bit."""
    shares = popularity / max(popularity.sum(), 1e-12)
    bits = -np.log2(np.maximum(shares, 1 / max(popularity.sum(), 2.0)))
    return float(bits[lists[lists >= 0]].mean()) if (lists >= 0).any() else 0.0


def bound_difference(one: Floats, other: Floats) -> tuple[float, float, float]:
    """The mean of the paired difference, and the bounds that hold it with 95 %, by resampling the customers."""
    difference, rng = one - other, np.random.default_rng(SEED)
    if not len(difference):
        return 0.0, 0.0, 0.0
    means = [difference[rng.integers(0, len(difference), len(difference))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)
