"""Trains, evaluates, registers and publishes recommendations: python -m batch.recommend train --day D, evaluate, publish."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from filelock import FileLock, Timeout
from pyspark.sql import SparkSession

from batch.recommend import als, features, neighbours, records, tracking
from batch.recommend.evaluate import evaluate
from batch.recommend.features import build_features
from batch.recommend.history import VISIT_DAYS, History, NoHistory, open_history
from batch.recommend.online import RedisProblem
from batch.recommend.publish import publish
from batch.recommend.records import NoPublishedDay
from batch.recommend.report import describe, describe_outcome
from batch.recommend.results import NoExposures, compute_results
from batch.recommend.retention import Deleted
from batch.recommend.tracking import TrackingProblem
from batch.recommend.training import train_part
from batch.recommend.trial import TEST_DAYS
from batch.stores.mart import MartUnavailable
from cdp.cli import parse_day
from cdp.programs import check_arguments_only
from cdp.recommend import store
from cdp.recommend.parts import ALS, TRAINED, Part
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkUnavailable, end_session, root_cause, session


class Busy(RuntimeError):
    """Another process trains, evaluates or publishes."""


def is_due(settings: Settings, day: date) -> bool:
    """Whether the version trained last is old. A version that the gate refused counts too: the next data are a week away."""
    last = store.read_pointer(settings, store.CHALLENGER)
    return last is None or day - last.day >= timedelta(days=settings.recommend_train_days)


def train(settings: Settings, day: date, names: tuple[str, ...], quiet: bool) -> None:
    """Two parts: as of the day, and as of a week before, which is tested on that week."""
    began = time.monotonic()
    records.create_tables(settings)
    with open_history(settings, day) as history:
        params = make_params(history, names)
        version = store.find_version(settings, store.name_version(params))
        if version is not None:
            store.point(settings, store.CHALLENGER, version.name)
            records.record_version(settings, version)
            print(f"recommend: {version.name} exists; the same data and parameters give the same models")
            return
        with _open_spark(settings, day, names, quiet) as spark:
            split, full = (_train(history, on, names, spark) for on in (day - timedelta(days=TEST_DAYS), day))
        version = store.write_version(settings, params, full, split, time.monotonic() - began)
    records.record_version(settings, version)
    print(f"recommend: {version.name} is trained, {len(full.product_ids):,} products; next: ./run recommend evaluate")


def make_params(history: History, names: tuple[str, ...]) -> dict[str, Any]:
    """All that decides what the models are."""
    return {
        "day": str(history.day),
        "data": history.versions,
        "models": list(names),
        "test_days": TEST_DAYS,
        "strengths": {"weights": features.WEIGHTS, "half_life": features.HALF_LIFE_DAYS, "most_views": features.MOST_VIEWS},
        "als": {"rank": als.RANK, "alpha": als.ALPHA, "regularisation": als.REGULARISATION, "iterations": als.ITERATIONS},
        "visits": {"days": VISIT_DAYS, "neighbours": neighbours.NEIGHBOURS, "reach": neighbours.REACH},
    }


def _train(history: History, day: date, names: tuple[str, ...], spark: SparkSession | None) -> Part:
    known = build_features(history.duck, day)
    if not len(known.product_ids):
        raise NoHistory(f"there are no interactions up to {day}; a model needs more than {TEST_DAYS} days of history.")
    return train_part(history.duck, known, names, spark)


@contextmanager
def _open_spark(settings: Settings, day: date, names: tuple[str, ...], quiet: bool) -> Iterator[SparkSession | None]:
    """None if no model needs it."""
    if ALS not in names:
        yield None
        return
    spark = session(settings, f"cdp recommend {day}", settings.spark_job_cores, quiet=quiet)
    try:
        yield spark
    finally:
        end_session(spark)


def evaluate_challenger(settings: Settings, explain: bool) -> None:
    version = store.require_challenger(settings)
    records.create_tables(settings)
    split, full = (version.read(name) for name in (store.SPLIT, store.FULL))
    with open_history(settings, version.day, version.params["data"]) as history:
        evaluation = evaluate(history.duck, full, split, _read_champion(settings, version, split.day))
    store.write_evaluation(version, evaluation)
    if evaluation["promoted"]:
        store.point(settings, store.CHAMPION, version.name)
    records.record_version(settings, version)
    print("\n".join(describe(version.name, evaluation)) if explain else describe_outcome(version.name, evaluation))


def _read_champion(settings: Settings, challenger: store.Version, latest: date) -> dict[str, Part] | None:
    """The newest state of the champion that has not learned from the test days."""
    champion = store.read_pointer(settings, store.CHAMPION)
    if champion is None or champion.name == challenger.name or champion.evaluation is None:
        return None
    parts = [part for name in (store.FULL, store.SPLIT) if (part := champion.read(name)).day <= latest]
    return {champion.evaluation["serves"]["for_you"]: parts[0]} if parts else None


@contextmanager
def _hold_lock(settings: Settings) -> Iterator[None]:
    folder = store.get_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise Busy("another process trains, evaluates or publishes; wait for it to end.") from None


def run_train(settings: Settings, arguments: argparse.Namespace) -> None:
    with _hold_lock(settings):
        day = arguments.day or records.read_published_day(settings)
        if arguments.if_due and not is_due(settings, day):
            print(f"recommend: the last version is younger than {settings.recommend_train_days} days; nothing was trained")
            return
        train(settings, day, tuple(arguments.models), quiet=not arguments.debug)


def run_evaluate(settings: Settings, arguments: argparse.Namespace) -> None:
    with _hold_lock(settings):
        version = store.require_challenger(settings)
        if arguments.if_due and version.evaluation:
            records.record_version(settings, version)
            print(f"recommend: {version.name} was evaluated before")
            return
        evaluate_challenger(settings, arguments.explain)


def run_register(settings: Settings, arguments: argparse.Namespace) -> None:
    version = store.require_challenger(settings)
    url = tracking.register(settings, version, store.read_pointer(settings, store.CHAMPION))
    records.record_version(settings, version)
    records.record_run(settings, version, url)
    print(f"recommend: {version.name} is registered: {url}")


def run_publish(settings: Settings, arguments: argparse.Namespace) -> None:
    with _hold_lock(settings):
        outcome = publish(settings, arguments.day or records.read_published_day(settings))
    pointer = outcome.pointer
    state = "was published before, and nothing is missing" if outcome.existed else "is published"
    print(f"recommend: {pointer.publication} {state}: {pointer.for_you} for {outcome.customers:,} customers")


def run_results(settings: Settings, arguments: argparse.Namespace) -> None:
    print(f"recommend: {compute_results(settings, arguments.day or records.read_published_day(settings))}")


PROBLEMS = (
    SettingError, SparkUnavailable, NoHistory, NoExposures, Deleted, store.NoModel, Busy, MartUnavailable, NoPublishedDay,
    RedisProblem, TrackingProblem,
)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    arguments = _make_parser().parse_args(argv)
    if check_arguments_only():
        return 0
    try:
        arguments.run(current(), arguments)
    except PROBLEMS as error:
        if arguments.debug:
            raise
        print(f"recommend: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        if arguments.debug:
            raise
        print(f"recommend: {root_cause(error)}; --debug shows where", file=sys.stderr)
        return 1
    return 0


def _make_parser() -> argparse.ArgumentParser:
    program = os.environ.get("PROGRAM_NAME", "python -m batch.recommend")
    parser = argparse.ArgumentParser(prog=program, description="Trains, evaluates, registers and publishes recommendations.")
    whats = parser.add_subparsers(required=True, metavar="train | evaluate | register | publish | results")
    training = whats.add_parser("train", help="train the models on all days up to a published day")
    training.add_argument("--models", nargs="+", choices=TRAINED, default=list(TRAINED), metavar="MODEL", help=", ".join(TRAINED))
    training.add_argument("--if-due", action="store_true", help="only if the last version is CDP_RECOMMEND_TRAIN_DAYS old")
    evaluation = whats.add_parser("evaluate", help="test the version trained last, and promote it if it passes the gate")
    evaluation.add_argument("--explain", action="store_true", help="show all measures, and each check with its reason")
    evaluation.add_argument("--if-due", action="store_true", help="only if it was not evaluated before")
    registration = whats.add_parser("register", help="record the version trained last in MLflow")
    publication = whats.add_parser("publish", help="make the lists of all customers, and serve them")
    results = whats.add_parser("results", help="compute what lists of the last days led to, and the arms of experiments")
    days = {training: "the last day to learn from", publication: "the last day to know", results: "the last day that counts"}
    for each, meaning in days.items():
        each.add_argument("--day", type=parse_day, metavar="D", help=f"{meaning}, YYYY-MM-DD; else the last published day")
    runs = {training: run_train, evaluation: run_evaluate, registration: run_register, publication: run_publish}
    for each, run in (runs | {results: run_results}).items():
        each.set_defaults(run=run)
        each.add_argument("--debug", action="store_true", help="show Spark's own log, and the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
