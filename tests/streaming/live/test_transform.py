"""What Spark lets through: each event once and no late one. A folder takes Kafka's place; each file in it is a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.settings import load
from streaming.checkpoint import parse_watermark
from streaming.live.account import LiveBatch, LiveCounts, account_for
from streaming.live.query import LIVE_QUERY
from tests.streaming.live.examples import NOON, Sent, make_messages, send

pytestmark = pytest.mark.spark

MESSAGES = "value binary, topic string, `partition` int, offset bigint, timestamp timestamp"
Send = Callable[[Sequence[Sent]], None]


@dataclass
class Folder:
    """The query's input and its checkpoint."""

    spark: SparkSession
    path: Path
    batches: list[LiveBatch] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    sent: int = 0

    def run(self, *batches: Sequence[Sent]) -> list[LiveBatch]:
        """Start the query, let it read these batches, and stop it."""
        self.batches.clear()
        self.dropped.clear()
        for batch in batches:
            messages = make_messages(batch, self.sent)
            pq.write_table(pa.Table.from_batches([messages]), self.path / "in" / f"{self.sent:05}.parquet")
            self.sent += len(batch)
        source = self.spark.readStream.schema(MESSAGES).option("maxFilesPerTrigger", 1).parquet(str(self.path / "in"))
        rows = LIVE_QUERY.transform(source, replace(load({}), live_late_minutes=10))
        writer = rows.writeStream.outputMode(LIVE_QUERY.output_mode).foreachBatch(self._note)
        query = writer.option("checkpointLocation", str(self.path / "out")).trigger(availableNow=True).start()
        query.awaitTermination()
        self.dropped += [progress.stateOperators[0].numRowsDroppedByWatermark for progress in query.recentProgress]
        return [*self.batches]

    def _note(self, rows: DataFrame, number: int) -> None:
        self.batches.append(account_for(rows.toArrow(), {}, self._read_watermark(number)))

    def _read_watermark(self, number: int) -> datetime | None:
        return parse_watermark((self.path / "out" / "offsets" / str(number)).read_text())


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> Folder:
    (tmp_path / "in").mkdir()
    session = spark.newSession()
    for name, value in LIVE_QUERY.options.items():
        session.conf.set(name, value)
    return Folder(session, tmp_path)


def name_events(batch: LiveBatch) -> list[str]:
    return sorted(batch.events.column("event_id").to_pylist())


def test_late_repeated_and_future_events_also_after_a_restart(folder: Folder) -> None:
    first, second = folder.run(
        [send(0, "a"), send(0, "a"), send(1, "b"), send(90, "wrong clock", received=1)],
        # The watermark is nine minutes before noon; the events of this batch count for the next one.
        [send(20, "c"), send(1, "b"), send(-8.9, "in time")],
    )
    assert (name_events(first), first.counts) == (["a", "b"], LiveCounts(received=4, ahead=1, repeated=1))
    assert (name_events(second), second.counts) == (["c", "in time"], LiveCounts(received=3, repeated=1))
    assert folder.dropped == [0, 0]

    (third,) = folder.run(
        [
            send(10, "too late"),
            send(10.001, "just in time"),
            send(20, "c"),
            send(1, "b"),
            send(20, "c", user_id="another customer"),
        ]
    )
    assert name_events(third) == ["c", "just in time"]
    assert third.counts == LiveCounts(received=5, late=2, repeated=1)
    assert folder.dropped == [third.counts.late]
    assert third.newest == NOON + timedelta(minutes=20)
