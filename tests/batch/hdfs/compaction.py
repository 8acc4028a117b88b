"""A table of events on the local disk for tests of compaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from batch.hdfs.changes import find_changed_days, list_event_files, read_events_version
from batch.hdfs.compact import CompactionReport, compact
from cdp.lake.paths import COMPACTIONS, EVENTS, table_url
from cdp.settings import Settings, load
from tests.batch.conftest import Events
from tests.spark_session import utc

D1, D2, D3 = (date(2019, 10, day) for day in (1, 2, 3))
NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, tzinfo=UTC)


class EventTable:
    """One table of events, with the actions and queries of the tests."""

    def __init__(self, spark: SparkSession, events: Events, settings: Settings) -> None:
        self.spark, self._events, self.settings = spark, events, settings
        self.url = table_url(settings, EVENTS)

    def receive(self, *events: dict[str, Any]) -> None:
        """Append events as the stream does."""
        writer = self._events(*events).write.format("delta").mode("append").partitionBy("event_day")
        writer.save(self.url)

    def compact(self, up_to: date = D3, at: datetime = NOW) -> CompactionReport | None:
        return compact(self.spark, self.settings, up_to, at)

    def rows(self, version: int | None = None) -> list[dict[str, Any]]:
        return DeltaTable(self.url, version=version).to_pyarrow_table().to_pylist()

    def ids(self, version: int | None = None) -> list[str]:
        return sorted(row["event_id"] for row in self.rows(version))

    def version(self) -> int:
        return DeltaTable(self.url).version()

    def files(self) -> dict[date, int]:
        return {day: len(files) for day, files in sorted(list_event_files(self.settings).days.items())}

    def list_changed_days(self, version: int) -> set[date]:
        return set(find_changed_days(self.settings, read_events_version(self.settings), version))

    def read_compactions(self) -> list[dict[str, Any]]:
        rows = DeltaTable(table_url(self.settings, COMPACTIONS)).to_pyarrow_table().to_pylist()
        return sorted(rows, key=lambda row: (row["version"], row["day"]))


@pytest.fixture
def table(spark: SparkSession, events: Events, tmp_path: Path) -> EventTable:
    return EventTable(spark, events, replace(load({}), hdfs_url=f"file:{tmp_path}"))


def on(day: int, event_id: str, user: str = "ann", hour: int = 12, **fields: Any) -> dict[str, Any]:
    return {"event_time": utc(2019, 10, day, hour), "event_id": event_id, "user_id": user} | fields


def received(second: int) -> datetime:
    return utc(2019, 10, 9, 0, 0, second)
