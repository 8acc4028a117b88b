"""The stream and its servers are killed while it runs: afterwards the tables on HDFS hold the file, row for row.

A larger version: ./run bench stream-faults.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from hdfs import InsecureClient
from pyspark.sql import SparkSession

from benchmarks.history import make_history
from benchmarks.stream_equality import by_spark
from benchmarks.stream_faults import all_differences, stream_under_fire
from cdp.kafka import client_config
from infra.stack.services.hdfs import USER
from infra.stack.stack import Stack, open_stack
from source_server.intake import store
from tests.spark_session import spark

__all__ = ["spark"]
pytestmark = [pytest.mark.stack("kafka", "source", "hdfs", "spark", "postgres"), pytest.mark.timeout(900)]

Rounds = tuple[tuple[str, ...], ...]
#: The driver comes last: the end of the run finishes what it leaves.
ALL_AT_ONCE: Rounds = (("executor", "datanode", "kafka", "namenode", "driver"),)
ONE_AFTER_ANOTHER: Rounds = (("executor", "datanode"), ("kafka", "namenode"), ("driver",))
EVENTS = 10_000


@pytest.fixture
def place(servers: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The test's own folder on the shared servers."""
    root = f"/test_{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("CDP_HDFS_ROOT", root)
    stack = open_stack()
    hdfs = InsecureClient(stack.settings.hdfs_http, user=USER)
    hdfs.makedirs(f"{root}/_spark-events")
    yield stack
    hdfs.delete(root, recursive=True)


@pytest.fixture
def topic(servers: Stack) -> Iterator[str]:
    name = f"events.{uuid.uuid4().hex[:8]}"
    kafka = AdminClient(client_config(servers.settings))
    kafka.create_topics([NewTopic(name, 2, 1)])[name].result(30)
    yield name
    kafka.delete_topics([name])[name].result(30)


@pytest.mark.parametrize(
    "rounds",
    [ALL_AT_ONCE, pytest.param(ONE_AFTER_ANOTHER, marks=pytest.mark.slow)],
    ids=["all at once", "one after another"],
)
def test_a_stream_under_fire_loses_and_doubles_nothing(
    place: Stack, topic: str, spark: SparkSession, tmp_path: Path, rounds: Rounds
) -> None:
    path = tmp_path / f"under-fire-{topic.replace('.', '-')}.parquet"
    summary = make_history(path, EVENTS, days=2)
    outcome = stream_under_fire(place, path, rounds, print, topic)
    assert outcome.rows == summary.rows > EVENTS / 2
    assert dict(outcome.kills) == {victim: 1 for victims in rounds for victim in victims}
    reader = by_spark(spark, place.settings, tmp_path)
    assert list(map(str, all_differences(place, path, reader, tmp_path, topic))) == []
    store.path_of(place.settings, path.stem).unlink()
