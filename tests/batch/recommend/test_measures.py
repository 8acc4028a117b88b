"""Measures of lists, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from batch.recommend.measures import (
    bound_difference,
    find_hits,
    measure_concentration,
    measure_coverage,
    measure_ndcg,
    measure_novelty,
    measure_precision,
    measure_recall,
    measure_reciprocal_rank,
)
from cdp.recommend.histories import from_lists

LISTS = np.array([[3, 1, 0], [2, -1, -1], [0, 1, 2]])
TARGETS = from_lists([[1, 0], [3], [0]])
HITS = find_hits(LISTS, TARGETS)


def test_hits() -> None:
    assert HITS.tolist() == [[False, True, True], [False, False, False], [True, False, False]]


def test_measures_of_each_customer() -> None:
    second, third = 1 / np.log2(3), 1 / np.log2(4)
    assert measure_ndcg(HITS, TARGETS.lengths).tolist() == pytest.approx([(second + third) / (1 + second), 0, 1])
    assert measure_recall(HITS, TARGETS.lengths).tolist() == [1, 0, 1]
    assert measure_precision(HITS, TARGETS.lengths).tolist() == pytest.approx([(1 / 2 + 2 / 3) / 2, 0, 1])
    assert measure_reciprocal_rank(HITS).tolist() == [0.5, 0, 1]


def test_measures_of_all_lists() -> None:
    assert measure_coverage(LISTS, 8) == 0.5
    assert measure_concentration(np.array([[5, 1], [5, 2]]), 100) == 0.5
    assert measure_novelty(np.array([[0, 1]]), np.array([8.0, 4.0, 4.0])) == pytest.approx((1 + 2) / 2)


def test_the_bound_of_a_difference_is_paired() -> None:
    values = np.random.default_rng(1).random(500)
    mean, low, high = bound_difference(values + 0.01, values)
    assert (mean, low, high) == pytest.approx((0.01, 0.01, 0.01))
    mean, low, high = bound_difference(values, np.random.default_rng(2).random(500))
    assert low < 0 < high
