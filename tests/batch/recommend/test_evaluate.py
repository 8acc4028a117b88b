"""The evaluation and the gate on a made shop whose groups a good model finds, with models that were spoilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import duckdb
import numpy as np
import pytest

from batch.recommend.evaluate import evaluate
from batch.recommend.features import build_features
from batch.recommend.training import train_part
from batch.recommend.trial import TEST_DAYS, build_trial
from cdp.recommend.parts import ALIKE, POPULAR_IN_CATEGORY, SEEN_TOGETHER, Part
from tests.batch.recommend.made import GROUPS, LAST, PRODUCTS, make_groups, make_interaction, make_view, open_made

SPLIT = LAST - timedelta(days=TEST_DAYS)
Parts = tuple[Part, Part]
Spoil = Callable[[Part], Part]


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    return open_made(*make_groups())


@pytest.fixture(scope="module")
def parts(duck: duckdb.DuckDBPyConnection) -> Parts:
    """The model of all days, and the one that is tested."""
    full, split = (train_part(duck, build_features(duck, day), (SEEN_TOGETHER, ALIKE), None) for day in (LAST, SPLIT))
    return full, split


def find_failures(evaluation: dict[str, Any], model: str = SEEN_TOGETHER) -> set[str]:
    return {check["name"] for check in evaluation["gate"][model] if not check["passed"]}


def test_the_model_that_finds_the_groups_is_promoted(duck: duckdb.DuckDBPyConnection, parts: Parts) -> None:
    evaluation = evaluate(duck, *parts)
    assert find_failures(evaluation) == set()
    assert evaluation["promoted"]
    assert evaluation["serves"] == {"for_you": SEEN_TOGETHER, "goes_with": SEEN_TOGETHER}
    lists, steps = evaluation["for_you"], evaluation["goes_with"]
    assert lists[SEEN_TOGETHER]["ndcg_10"] > 3 * lists["popular"]["ndcg_10"]
    # A visit to one of the groups goes on to one of its other products, of which 20 can be recommended.
    assert 0.5 < steps[SEEN_TOGETHER]["hit_rate_20"] < 20 / (PRODUCTS - 2) + 0.05
    assert steps["popular"]["hit_rate_20"] == pytest.approx(20 / (GROUPS * PRODUCTS), abs=0.04)


def test_what_is_the_same_for_the_groups_is_refused(duck: duckdb.DuckDBPyConnection, parts: Parts) -> None:
    """Categories and brands tell nothing of the groups."""
    assert "better than popular" in find_failures(evaluate(duck, *parts), ALIKE)
    evaluation = evaluate(duck, *(replace(part, neighbours={ALIKE: part.neighbours[ALIKE]}) for part in parts if part.neighbours))
    assert not evaluation["promoted"]
    assert evaluation["serves"]["for_you"] == POPULAR_IN_CATEGORY


def spoil(change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> Spoil:
    def apply(part: Part) -> Part:
        assert part.neighbours
        return replace(part, neighbours={SEEN_TOGETHER: change(*part.neighbours[SEEN_TOGETHER])})

    return apply


def _keep(found: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return found, weights


def _forget(found: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return found, np.where(weights > 0, np.nan, weights)


def _name_one(found: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one = np.full_like(found, -1)
    one[:, 0] = 0
    return one, np.ones_like(weights)


def _shuffle(found: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(3).permutation(len(found))
    return found[order], weights[order]


@pytest.mark.parametrize(
    ("change", "spoils_test", "failures"),
    [
        (_forget, True, {"finite"}), (_forget, False, {"finite", "sound in full"}),
        (_name_one, True, {"not the same products for all"}), (_name_one, False, {"sound in full"}),
        (_shuffle, True, set()), (_shuffle, False, {"sound in full"}),
    ],
)  # fmt: skip
def test_a_spoilt_model_is_stopped(
    duck: duckdb.DuckDBPyConnection, parts: Parts, change: Any, spoils_test: bool, failures: set[str]
) -> None:
    full, split = parts
    evaluation = evaluate(duck, spoil(change)(full), (spoil(change) if spoils_test else spoil(_keep))(split))
    assert failures <= find_failures(evaluation)
    assert ("better than popular in category" in find_failures(evaluation)) == spoils_test
    assert not evaluation["promoted"]


def test_a_challenger_that_is_worse_than_the_champion_is_refused(duck: duckdb.DuckDBPyConnection, parts: Parts) -> None:
    full, split = parts
    half = spoil(lambda found, weights: (np.where(np.arange(len(found))[:, None] % 2, found, -1), weights))
    evaluation = evaluate(duck, half(full), half(split), {SEEN_TOGETHER: split})
    assert find_failures(evaluation) == {"not worse than the champion"}
    assert evaluate(duck, full, split, {SEEN_TOGETHER: half(split)})["promoted"]


def test_a_model_that_has_learned_the_test_days_is_refused(duck: duckdb.DuckDBPyConnection, parts: Parts) -> None:
    full, _ = parts
    late = train_part(duck, build_features(duck, LAST - timedelta(days=TEST_DAYS - 1)), (SEEN_TOGETHER,), None)
    assert "nothing learned from the test days" in find_failures(evaluate(duck, full, late))


def test_targets_are_new_products_and_what_customers_came_back_to() -> None:
    before = SPLIT - timedelta(days=1)
    rows = [
        make_interaction(before, "ann", "seen"), make_interaction(before, "ben", "other"),
        make_interaction(before, "ann", "carted", event_type="cart"),
        make_interaction(LAST, "ann", "seen"), make_interaction(LAST, "ann", "carted", event_type="purchase"),
        make_interaction(LAST, "ann", "other"), make_interaction(LAST, "ann", "brand new"),
        make_interaction(LAST, "ann", "returned", event_type="refund"), make_interaction(LAST, "stranger", "other"),
    ]  # fmt: skip
    views = [
        make_view(LAST, "ann", "1", "seen", 0), make_view(LAST, "ann", "1", "other", 1),
        make_view(LAST, "ann", "1", "brand new", 2), make_view(LAST, "ben", "1", "other", 0),
        make_view(before, "ann", "0", "seen", 0), make_view(before, "ann", "0", "carted", 1),
    ]  # fmt: skip
    duck = open_made(rows, views)
    features = build_features(duck, SPLIT)
    trial = build_trial(duck, features, LAST)
    names = [*features.product_ids.tolist(), *["new"] * 9]
    assert sorted(names[number] for number in trial.new.product) == ["new", "other"]
    assert sorted(names[number] for number in trial.again.product) == ["carted", "seen"]
    assert trial.unknown_share == 0.5
    steps = [
        ([names[number] for number in trial.prefixes.take(np.array([row])).product], names[trial.following.product[row]])
        for row in range(len(trial.prefixes))
    ]
    assert steps == [(["seen"], "other"), (["other", "seen"], "new")]
