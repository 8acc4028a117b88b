"""What has changed according to the Delta log, on tables on the local disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from batch.hdfs.changes import EventsVersion, NoEvents, find_changed_days, list_event_files, read_events_version
from batch.plan import ALWAYS
from cdp.lake.paths import EVENTS, table_url
from cdp.settings import Settings, load
from tests.batch.conftest import Events
from tests.spark_session import utc

pytestmark = pytest.mark.spark

D1, D2, D3 = (date(2019, 10, day) for day in (1, 2, 3))


@pytest.fixture(scope="module")
def log(spark: SparkSession, events: Events, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Version 0: days 1 and 2. Version 1: day 1 again, late. Version 2: day 3. Version 3: compaction."""
    settings = replace(load({}), hdfs_url=f"file:{tmp_path_factory.mktemp('log')}")
    url = table_url(settings, EVENTS)
    for days in ((1, 2), (1,), (3,)):
        frame = events(*({"event_time": utc(2019, 10, day)} for day in days))
        frame.write.format("delta").mode("append").partitionBy("event_day").save(url)
    DeltaTable.forPath(spark, url).optimize().executeCompaction()
    return settings


def test_version_and_days(log: Settings) -> None:
    table_id = list_event_files(log).table_id
    assert read_events_version(log) == EventsVersion(table_id, 3, frozenset({D1, D2, D3}))


def test_each_day_with_the_version_that_last_added_to_it(log: Settings) -> None:
    assert find_changed_days(log, read_events_version(log), 0) == {D1: 1, D3: 2}
    assert find_changed_days(log, read_events_version(log), 1) == {D3: 2}


def test_compaction_changes_nothing(log: Settings) -> None:
    assert find_changed_days(log, read_events_version(log), 2) == {}
    assert find_changed_days(log, read_events_version(log), 3) == {}


def test_changes_after_the_night_began_are_ignored(log: Settings) -> None:
    assert find_changed_days(log, EventsVersion("", 1, frozenset({D1, D2})), 0) == {D1: 1}


def test_every_day_counts_as_changed_if_the_log_does_not_reach_back(log: Settings) -> None:
    commit = Path(table_url(log, EVENTS).removeprefix("file:")) / "_delta_log" / f"{1:020}.json"
    now = read_events_version(log)
    moved = commit.rename(commit.with_suffix(".gone"))
    try:
        assert find_changed_days(log, now, 0) == dict.fromkeys((D1, D2, D3), ALWAYS)
    finally:
        moved.rename(commit)


def test_every_day_counts_as_changed_if_the_table_is_younger_than_the_publication(log: Settings) -> None:
    assert find_changed_days(log, read_events_version(log), 99) == dict.fromkeys((D1, D2, D3), ALWAYS)


def test_missing_table_is_reported_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(NoEvents, match=r"there are no events at .*stream --once"):
        read_events_version(replace(load({}), hdfs_url=f"file:{tmp_path}"))
