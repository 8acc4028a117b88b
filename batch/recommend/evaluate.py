"""Evaluates a version on its test days, and promotes it if a model of it passes the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import duckdb
import numpy as np

from batch.recommend.features import Features, build_features
from batch.recommend.gate import Record, judge
from batch.recommend.measures import bound_difference
from batch.recommend.trial import LONG, Result, Trial, build_trial, judge_lists, measure_lists, measure_next
from cdp.recommend.histories import Floats
from cdp.recommend.models import Als, Model, Neighbours, recommend
from cdp.recommend.parts import POPULAR, POPULAR_IN_CATEGORY, TRAINED, Part


def evaluate(
    duck: duckdb.DuckDBPyConnection, full: Part, split: Part, champion: Mapping[str, Part] | None = None
) -> dict[str, Any]:
    """The measures of all models, and the gate's checks of those that were trained. `champion` has one part, with the name of the
    model that serves."""
    features = build_features(duck, split.day)
    trial = build_trial(duck, features, full.day)
    split, full = (part.align(features.product_ids) for part in (split, full))
    results = measure_lists(split.models.values(), trial, features, again=False)
    again = measure_lists(split.past_models, trial, features, again=True)
    following = measure_next(split.models.values(), trial)
    old = _measure_champion(champion, features, trial)
    judged = {
        name: judge(_make_record(name, full, split, features, trial, results, old)) for name in TRAINED if name in split.models
    }
    passing = [name for name, checks in judged.items() if all(check.passed for check in checks)]
    return {
        "day": str(full.day),
        "learned_to": str(split.day),
        "customers": len(trial.histories),
        "unknown_share": trial.unknown_share,
        "visits": len(trial.prefixes),
        "for_you": {name: result.measures for name, result in results.items()},
        "buy_again": {name: result.measures for name, result in again.items()},
        "goes_with": {name: result.measures for name, result in following.items()},
        "gate": {name: [asdict(check) for check in checks] for name, checks in judged.items()},
        "serves": {"for_you": _choose(passing, results), "goes_with": _choose_next(following)},
        "promoted": bool(passing),
    }


def _choose(passing: list[str], results: Mapping[str, Result]) -> str:
    return max(passing, key=lambda name: results[name].measures["ndcg_10"], default=POPULAR_IN_CATEGORY)


def _choose_next(following: Mapping[str, Result]) -> str:
    """The best of the models that are better than popularity for sure."""
    popular = following[POPULAR].ndcg
    better = [name for name in TRAINED if name in following and bound_difference(following[name].ndcg, popular)[1] > 0]
    return max(better, key=lambda name: following[name].measures["hit_rate_20"], default=POPULAR_IN_CATEGORY)


def _make_record(
    name: str, full: Part, split: Part, features: Features, trial: Trial, results: Mapping[str, Result], champion: Result | None
) -> Record:
    model = split.models[name]
    fold_in = max(full.fold_in_difference, split.fold_in_difference) if isinstance(model, Als) else 0.0
    return Record(
        name=name,
        tested=results[name],
        popular=results[POPULAR],
        popular_in_category=results[POPULAR_IN_CATEGORY],
        mixed_up=_measure_mixed_up(model, trial),
        full=measure_lists([full.models[name]], trial, features, again=False)[name],
        champion=champion,
        trained_to=split.day,
        last_day=full.day,
        is_finite=is_finite(model) and is_finite(full.models[name]),
        fold_in_difference=fold_in,
    )


def _measure_champion(champion: Mapping[str, Part] | None, features: Features, trial: Trial) -> Result | None:
    if not champion:
        return None
    ((name, part),) = champion.items()
    model = part.align(features.product_ids).models[name]
    return measure_lists([model], trial, features, again=False)[name]


def _measure_mixed_up(model: Model, trial: Trial) -> Floats:
    others = trial.new.take(np.roll(np.arange(len(trial.new)), 1))
    return judge_lists(recommend(model, trial.histories, LONG), others)[0]


def is_finite(model: Model) -> bool:
    arrays = [model.factors] if isinstance(model, Als) else [model.weights] if isinstance(model, Neighbours) else []
    return all(bool(np.isfinite(array).all()) for array in arrays)
