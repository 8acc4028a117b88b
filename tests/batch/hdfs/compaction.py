"""A table of events on the local disk for tests of compaction, and what a test asks of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from batch.hdfs.changes import changed_after, event_files, events_now
from batch.hdfs.compact import Compacted, compact
from cdp.paths import COMPACTIONS, EVENTS, table_url
from cdp.settings import Settings, load
from tests.batch.conftest import Events
from tests.spark_session import utc

D1, D2, D3 = (date(2019, 10, day) for day in (1, 2, 3))
NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, tzinfo=UTC)


class Place:
    """One table of events, and what a test asks of it."""

    def __init__(self, spark: SparkSession, events: Events, settings: Settings) -> None:
        self.spark, self._events, self.settings = spark, events, settings
        self.url = table_url(settings, EVENTS)

    def receive(self, *given: dict[str, Any]) -> None:
        """Events as the stream appends them."""
        writer = self._events(*given).write.format("delta").mode("append").partitionBy("event_day")
        writer.save(self.url)

    def compact(self, up_to: date = D3, at: datetime = NOW) -> Compacted | None:
        return compact(self.spark, self.settings, up_to, at)

    def rows(self, version: int | None = None) -> list[dict[str, Any]]:
        return DeltaTable(self.url, version=version).to_pyarrow_table().to_pylist()

    def ids(self, version: int | None = None) -> list[str]:
        return sorted(row["event_id"] for row in self.rows(version))

    def version(self) -> int:
        return DeltaTable(self.url).version()

    def files(self) -> dict[date, int]:
        return {day: len(files) for day, files in sorted(event_files(self.settings).days.items())}

    def changed_after(self, version: int) -> set[date]:
        return set(changed_after(self.settings, events_now(self.settings), version))

    def book(self) -> list[dict[str, Any]]:
        rows = DeltaTable(table_url(self.settings, COMPACTIONS)).to_pyarrow_table().to_pylist()
        return sorted(rows, key=lambda row: (row["version"], row["day"]))


@pytest.fixture
def place(spark: SparkSession, events: Events, tmp_path: Path) -> Place:
    return Place(spark, events, replace(load({}), hdfs_url=f"file:{tmp_path}"))


def on(day: int, event_id: str, user: str = "ann", hour: int = 12, **given: Any) -> dict[str, Any]:
    return {"event_time": utc(2019, 10, day, hour), "event_id": event_id, "user_id": user} | given


def received(second: int) -> datetime:
    return utc(2019, 10, 9, 0, 0, second)
