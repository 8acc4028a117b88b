"""Measures recommendations: the quality of each model by the one evaluator of the product, the time of training, and the memory.

The generated history has 200,000 customers and about 50,000 products. The public data is a panel of households and groceries."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
from pyspark.sql import SparkSession

from batch.recommend.evaluate import evaluate
from batch.recommend.features import build_features
from batch.recommend.training import train_part
from batch.recommend.trial import TEST_DAYS, build_trial, measure_lists
from benchmarks import recommend_api
from benchmarks.night_process import watch_memory
from benchmarks.outcome import Goal, Outcome
from benchmarks.recommend_data import FILMS_DAY, FILMS_SPLIT, PUBLIC_DAY, open_films, open_generated, open_public
from cdp.recommend.parts import POPULAR, POPULAR_IN_CATEGORY, TRAINED, Part, write_part
from cdp.spark import end_session, session
from infra.stack.stack import Stack
from source_server.generate import DAYS, LAST_DAY, write_history
from source_server.history.seeds import SEED
from source_server.history.shop import Shop

NEEDS = ("namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", *recommend_api.NEEDS)
CUSTOMERS, EVENTS = 200_000, 3_800_000
#: The best model beside what is popular.
TIMES_NDCG, TIMES_HITS = 1.5, 10
PUBLIC_TEST_DAYS = 28
#: NDCG@10 on MovieLens 100k with three quarters of each person's ratings to learn from, from the table of models in the README of
#: github.com/recommenders-team/recommenders.
PUBLISHED_FILMS = {"ALS, explicit": 0.0442, "SAR": 0.3825, "NCF": 0.3961, "LightGCN": 0.4198, "BPR": 0.4420, "BiVAE": 0.4751}


def run(stack: Stack, scale: float) -> Outcome:
    outcome, folder = Outcome("recommend"), stack.state / "recommend"
    outcome.measure("load of the machine at the start", os.getloadavg()[0], "", f"{os.cpu_count()} cores")
    folder.mkdir(parents=True)
    first = LAST_DAY - timedelta(days=DAYS - 1)
    shop = Shop(SEED, first, round(CUSTOMERS * scale), round(EVENTS * scale))
    write_history(shop, first, LAST_DAY, folder / "history.parquet", os.cpu_count() or 1)
    with open_generated(folder / "history.parquet", LAST_DAY) as duck, _open_spark(stack) as spark:
        split = _train(outcome, duck, LAST_DAY - timedelta(days=TEST_DAYS), spark, "a week before")
        full = _train(outcome, duck, LAST_DAY, spark, "all days")
        peaks = watch_memory(stack)
        peaks.update(os.getpid())
        for kind, megabytes in peaks.most.items():
            outcome.measure(f"most memory: {kind}", megabytes, "MB")
        python = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        outcome.measure("most memory: this process", python, "MB", "features and training; it also made the history")
        _evaluate(outcome, duck, full, split)
    with _open_spark(stack) as spark:
        recommend_api.measure_spark(outcome, spark)
    recommend_api.measure_api(outcome, stack.settings, scale)
    _measure_size(outcome, full, folder / "part")
    outcome.measure("load of the machine at the end", os.getloadavg()[0], "")
    return outcome


def run_public(stack: Stack, scale: float) -> Outcome:
    """Groceries that a household has not bought before, in the last four weeks; a quarter of the films that a person has rated,
    beside published figures. `scale` has no meaning here."""
    outcome, folder = Outcome("recommend --public"), stack.state / "recommend"
    with _open_spark(stack) as spark:
        with open_public(folder / "groceries") as duck:
            split = PUBLIC_DAY - timedelta(days=PUBLIC_TEST_DAYS)
            _measure_public(outcome, "groceries", duck, spark, split, PUBLIC_DAY)
        with open_films(folder / "films") as duck:
            _measure_public(outcome, "films", duck, spark, FILMS_SPLIT, FILMS_DAY)
    for name, ndcg in PUBLISHED_FILMS.items():
        outcome.measure(f"films, published: {name}", 100 * ndcg, "% ndcg_10")
    return outcome


def _measure_public(
    outcome: Outcome, title: str, duck: duckdb.DuckDBPyConnection, spark: SparkSession, split: date, last: date
) -> None:
    part = _train(outcome, duck, split, spark, title)
    features = build_features(duck, split)
    trial = build_trial(duck, features, last)
    outcome.measure(f"{title}: customers tested", len(trial.histories), "")
    lists = measure_lists(part.models.values(), trial, features, again=False)
    _add_measures(outcome, f"{title}, for you", {name: result.measures for name, result in lists.items()})
    again = measure_lists(part.past_models, trial, features, again=True)
    if len(trial.again_histories):
        _add_measures(outcome, f"{title}, buy again", {name: result.measures for name, result in again.items()})


@contextmanager
def _open_spark(stack: Stack) -> Iterator[SparkSession]:
    spark = session(stack.settings, "cdp bench recommend", stack.settings.spark_job_cores, quiet=True)
    try:
        yield spark
    finally:
        end_session(spark)


def _train(outcome: Outcome, duck: duckdb.DuckDBPyConnection, day: date, spark: SparkSession, days: str) -> Part:
    begin = time.monotonic()
    features = build_features(duck, day)
    size = f"{len(features.product_ids):,} products, {len(features.customer_ids):,} customers"
    outcome.measure(f"features, {days}", time.monotonic() - begin, "s", size)
    part: Part | None = None
    for name in TRAINED:
        begin = time.monotonic()
        part = train_part(duck, features, (name,), spark).add(part)
        outcome.measure(f"training of {name}, {days}", time.monotonic() - begin, "s")
    assert part
    return part


def _evaluate(outcome: Outcome, duck: duckdb.DuckDBPyConnection, full: Part, split: Part) -> None:
    begin = time.monotonic()
    evaluation = evaluate(duck, full, split)
    outcome.measure("evaluation", time.monotonic() - begin, "s", f"{evaluation['customers']:,} customers")
    lists, steps = evaluation["for_you"], evaluation["goes_with"]
    for name in ("for_you", "buy_again", "goes_with"):
        _add_measures(outcome, name.replace("_", " "), evaluation[name])
    best = max(lists[name]["ndcg_10"] for name in TRAINED) / lists[POPULAR_IN_CATEGORY]["ndcg_10"]
    hits = max(steps[name]["hit_rate_20"] for name in TRAINED) / steps[POPULAR]["hit_rate_20"]
    outcome.goals += [
        Goal("NDCG@10 of the best model beside popular in category, times", best, TIMES_NDCG),
        Goal("hits@20 of the next product beside popular, times", hits, TIMES_HITS),
    ]


def _add_measures(outcome: Outcome, title: str, measures: Mapping[str, Mapping[str, float]]) -> None:
    for name, values in measures.items():
        first, *others = values.items()
        note = ", ".join(f"{key} {value:.4f}" for key, value in others)
        outcome.measure(f"{title}: {name}", 100 * first[1], f"% {first[0]}", note)


def _measure_size(outcome: Outcome, part: Part, folder: Path) -> None:
    write_part(part, folder)
    outcome.measure("files of a part", sum(file.stat().st_size for file in folder.iterdir()) / 1e6, "MB")
