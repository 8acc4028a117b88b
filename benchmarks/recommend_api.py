"""Measures the recommendation API at 200 requests a second, in the server and at the client, with and without Redis; and a list
computed on request with Spark."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import redis
from prometheus_client.parser import text_string_to_metric_families
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession

from benchmarks.outcome import Goal, Outcome
from benchmarks.recommend_api_data import FACTORS, PRODUCTS, publish_made, write_visits
from cdp.settings import Settings
from infra.stack.stack import Stack, StackError

NEEDS = ("recommend",)
RATE, SECONDS, CONNECTIONS = 200, 30, 16
#: All sources. They are measured while Redis does not answer.
ALL = ""
#: Source of the answer -> goal for the 99th percentile in the server, in milliseconds.
GOALS = {"stored": 3.0, "session": 15.0, ALL: 50.0}
#: Rows that the model on Spark learns from: it is to be asked, not to be good.
SPARK_CUSTOMERS, SPARK_RATINGS = 20_000, 400_000


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("recommend-api")
    measure_api(outcome, stack.settings, scale)
    return outcome


def measure_api(outcome: Outcome, settings: Settings, scale: float) -> None:
    begin = time.monotonic()
    customers, visitors = publish_made(settings, scale)
    outcome.measure("publication of made data", time.monotonic() - begin, "s", f"{customers:,} customers, {PRODUCTS:,} products")
    _wait_until_served(settings)
    _measure_source(outcome, settings, "stored", [f"c{number}" for number in range(customers)])
    write_visits(settings, np.random.default_rng(26), visitors)
    _measure_source(outcome, settings, "session", [f"v{number}" for number in range(visitors)])
    with _stop_redis(settings):
        _measure_source(outcome, settings, ALL, [f"c{number}" for number in range(customers)])


@contextmanager
def _stop_redis(settings: Settings) -> Iterator[None]:
    """Redis takes connections and does not answer, which is worse than a Redis that is away."""
    with redis.Redis.from_url(settings.redis_url) as client:
        process = client.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def _measure_source(outcome: Outcome, settings: Settings, source: str, customer_ids: list[str]) -> None:
    rng, requests = random.Random(26), RATE * SECONDS
    before = read_histogram(settings, source)
    seconds = send(settings, [f"/v1/customers/{rng.choice(customer_ids)}/recommendations?place=bench" for _ in range(requests)])
    counts = {bound: count - before.get(bound, 0) for bound, count in read_histogram(settings, source).items()}
    answers = counts[max(counts)]
    median, slow = (find_quantile(counts, share) for share in (0.5, 0.99))
    at_client = 1000 * np.quantile(seconds, [0.5, 0.99])
    name = source or "Redis does not answer"
    outcome.measure(f"{name}: answers", answers, "", f"of {requests:,}, at {RATE} a second")
    outcome.measure(f"{name}, in the server: p50", median, "ms")
    outcome.measure(f"{name}, at the client: p50", at_client[0], "ms", "from the planned time of the request")
    outcome.measure(f"{name}, at the client: p99", at_client[1], "ms")
    outcome.goals += [
        Goal(f"{name}, in the server: p99, ms", slow, GOALS[source], at_least=False),
        Goal(f"{name}: share of the answers", answers / requests, 0.99),
    ]


def measure_spark(outcome: Outcome, spark: SparkSession) -> None:
    """A list for one customer by recommendForUserSubset, as a service does that keeps the model in Spark."""
    rng = np.random.default_rng(26)
    columns = (rng.integers(0, SPARK_CUSTOMERS, SPARK_RATINGS), rng.integers(0, PRODUCTS, SPARK_RATINGS))
    ratings = [(int(user), int(item), 1.0) for user, item in zip(*columns, strict=True)]
    frame = spark.createDataFrame(ratings, "user int, item int, rating float")
    model = ALS(rank=FACTORS, maxIter=1, implicitPrefs=True, seed=26).fit(frame)
    seconds = []
    for user in (7, 8, 9, 10):
        begin = time.monotonic()
        model.recommendForUserSubset(spark.createDataFrame([(user,)], "user int"), 10).collect()
        seconds.append(time.monotonic() - begin)
    outcome.measure("one list computed on request with Spark", 1000 * min(seconds[1:]), "ms", f"the first: {seconds[0]:.1f} s")


def _wait_until_served(settings: Settings) -> None:
    deadline = time.monotonic() + 30
    while "made-" not in (health := _get(settings, "/health")):
        if time.monotonic() > deadline:
            raise StackError(f"the recommendation API does not serve the made data: {health}")
        time.sleep(0.5)


def _get(settings: Settings, path: str) -> str:
    with urllib.request.urlopen(f"{settings.recommend_url}{path}", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def read_histogram(settings: Settings, source: str) -> dict[float, int]:
    """Answers up to each bound in milliseconds, of one source or of all."""
    families = text_string_to_metric_families(_get(settings, "/metrics"))
    samples = [sample for family in families if family.name == "recommend_answer_seconds" for sample in family.samples]
    counts: Counter[float] = Counter()
    for sample in samples:
        if sample.name.endswith("_bucket") and source in (ALL, sample.labels["source"]):
            counts[1000 * float(sample.labels["le"])] += int(sample.value)
    return counts


def find_quantile(counts: Mapping[float, int], share: float) -> float:
    """In the bucket that it lies in, the times are taken as evenly spread."""
    wanted, lower, below = share * counts[max(counts)], 0.0, 0
    for bound, count in sorted(counts.items()):
        if count >= wanted:
            return lower + (bound - lower) * (wanted - below) / max(count - below, 1) if bound != float("inf") else lower
        lower, below = bound, count
    return lower


@dataclass
class Sender:
    """Sends every request at its planned time, whether or not earlier ones were answered: a connection takes every nth."""

    settings: Settings
    paths: list[str]
    seconds: list[float]
    begin: float

    def run(self, first: int) -> None:
        address = urlsplit(self.settings.recommend_url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        headers = {"Authorization": f"Bearer {self.settings.recommend_token}"}
        for number in range(first, len(self.paths), CONNECTIONS):
            planned = self.begin + number / RATE
            time.sleep(max(0.0, planned - time.monotonic()))
            connection.request("GET", self.paths[number], headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            self.seconds.append(time.monotonic() - planned)
            if answer.status != 200 or not json.loads(content)["items"]:
                raise StackError(f"the recommendation API answers {answer.status}: {content[:200]!r}")
        connection.close()


def send(settings: Settings, paths: list[str]) -> list[float]:
    """Seconds from the planned time of each request to its answer."""
    sender = Sender(settings, paths, [], time.monotonic() + 0.5)
    threads = [threading.Thread(target=sender.run, args=(first,)) for first in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sender.seconds
