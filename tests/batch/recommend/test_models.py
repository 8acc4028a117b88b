"""Models on a handful of products."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from cdp.recommend.histories import Histories, from_lists, from_rows
from cdp.recommend.models import NEVER, Als, LastViewed, Neighbours, OwnPast, Popular, PopularInCategory, recommend
from cdp.recommend.parts import ALS, SEEN_TOGETHER, Part, read_part, write_part

POPULARITY = np.array([5.0, 0.0, 9.0, 7.0], np.float32)
EMPTY_THEN_TWO = from_lists([[], [2]])


def test_histories_take_and_filter_rows() -> None:
    histories = from_rows(np.array([0, 0, 2]), np.array([4, 3, 1]), np.array([1.0, 0.0, 2.0]), 3)
    assert histories.lengths.tolist() == [2, 0, 1]
    assert histories.place.tolist() == [0, 1, 0]
    taken = histories.take(np.array([2, 0]))
    assert (taken.starts.tolist(), taken.product.tolist()) == ([0, 1, 3], [1, 4, 3])
    assert histories.keep_latest(1).product.tolist() == [4, 1]
    assert histories.keep_strong().lengths.tolist() == [1, 0, 1]


def test_popular_products_are_the_same_for_all_except_what_they_have_seen() -> None:
    assert recommend(Popular(POPULARITY), EMPTY_THEN_TWO, 3).tolist() == [[2, 3, 0], [3, 0, -1]]


def test_popular_in_category_begins_with_the_categories_of_the_history() -> None:
    model = PopularInCategory(POPULARITY, np.array([1, 0, 0, 1]))
    assert recommend(model, from_lists([[0], [1], []]), 3).tolist() == [[3, 2, -1], [2, 3, 0], [2, 3, 0]]


def test_the_own_past_is_by_strength_or_by_time() -> None:
    histories = Histories(np.array([0, 2]), np.array([3, 1]), np.array([0.5, 2.0]))
    assert recommend(OwnPast(4), histories, 3, hide=False).tolist() == [[1, 3, -1]]
    assert recommend(LastViewed(4), histories, 3, hide=False).tolist() == [[3, 1, -1]]


def test_neighbours_of_the_latest_product_count_most() -> None:
    neighbours = np.array([[2, -1], [3, 2], [-1, -1], [-1, -1]])
    weights = np.array([[1.0, 0.0], [1.1, 0.1], [0.0, 0.0], [0.0, 0.0]])
    model = Neighbours("together", neighbours, weights)
    assert recommend(model, from_lists([[0, 1], [1, 0], [2]]), 3).tolist() == [[2, 3, -1], [3, 2, -1], [-1, -1, -1]]


def test_the_scores_near_one_history_are_those_of_all_products() -> None:
    rng = np.random.default_rng(1)
    model = Neighbours("together", rng.integers(-1, 40, (40, 5)), rng.random((40, 5)))
    history = from_lists([[3, 17, 8]])
    scores = model.score(history)[0]
    products, near = model.score_near(history)
    assert products.tolist() == np.flatnonzero(scores > NEVER).tolist()
    assert near == pytest.approx(scores[products])


def test_folding_in_solves_the_least_squares_of_the_history() -> None:
    rng = np.random.default_rng(1)
    model = Als(rng.normal(size=(6, 3)).astype(np.float32), regularisation=0.1, alpha=2.0)
    histories = from_rows(np.array([0, 0, 0]), np.array([4, 1, 2]), np.array([1.0, 0.5, 0.0]), 2)
    confidence = np.array([1, 1 + 2.0 * 0.5, 1, 1, 1 + 2.0 * 1.0, 1])
    wanted = np.array([0, 1, 0, 0, 1, 0])
    factors = model.factors.astype(np.float64)
    matrix = factors.T @ (confidence[:, None] * factors) + 0.1 * 2 * np.eye(3)
    assert model.fold_in(histories)[0] == pytest.approx(np.linalg.solve(matrix, factors.T @ (confidence * wanted)), rel=1e-3)
    assert (recommend(model, histories, 2)[1] == -1).all(), "nothing is known of the second"


def make_part() -> Part:
    neighbours = np.array([[1, -1], [0, 2], [1, -1]], np.int32), np.array([[1, 0], [1, 0.5], [0.5, 0]], np.float32)
    als = Als(np.arange(6, dtype=np.float32).reshape(3, 2) + 1, 0.1, 1.0)
    ids, category = np.array(["a", "b", "c"]), np.array([0, 1, 1], np.int32)
    return Part(date(2019, 10, 31), ids, category, POPULARITY[:3], als, {SEEN_TOGETHER: neighbours}, 1e-6)


def test_a_part_is_read_as_it_was_written(tmp_path) -> None:  # type: ignore[no-untyped-def]
    part = make_part()
    write_part(part, tmp_path / "part")
    read = read_part(tmp_path / "part")
    assert (read.day, read.fold_in_difference) == (part.day, part.fold_in_difference)
    assert read.product_ids.tolist() == ["a", "b", "c"]
    for name, model in part.models.items():
        assert np.array_equal(read.models[name].score(EMPTY_THEN_TWO), model.score(EMPTY_THEN_TWO))


def test_a_part_is_moved_to_the_products_of_another_day() -> None:
    part = make_part()
    moved = part.align(np.array(["b", "new", "c"]))
    assert moved.popularity.tolist() == [0, 0, 9]
    assert recommend(moved.models[SEEN_TOGETHER], from_lists([[0], [1], [2]]), 2).tolist() == [[2, -1], [-1, -1], [0, -1]]
    scores = moved.models[ALS].score(from_lists([[0]]))[0]
    assert np.isneginf(scores).tolist() == [False, True, False]
