"""Reads a stream's checkpoint on HDFS: the Kafka offsets of each batch, which Spark records before the batch starts.

Hadoop's client in the driver's JVM reads the files, which needs no Spark job. Only Spark writes them; this module reads them
and can move the whole folder aside.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from cdp.lake.paths import checkpoint_url
from cdp.settings import Settings
from streaming.messages import OffsetRange, Offsets, PartitionKey
from streaming.query import Query

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CheckpointUnreadable(ValueError):
    """A file of the checkpoint is missing, not in Spark's format, or of other topics."""


def ranges_between(before: Offsets, after: Offsets) -> tuple[OffsetRange, ...]:
    """The range of each partition between two positions, in order. A new partition is read from offset 0."""
    return tuple(OffsetRange(*key, before.get(key, 0), end) for key, end in sorted(after.items()))


def parse_offsets(text: str, topics: Sequence[str]) -> dict[PartitionKey, int]:
    """Parse the last line of an offsets file, of either of Spark's two kinds. A topic that the query reads only since then is
    not in it."""
    lines = text.lstrip("\0").strip().splitlines()
    try:
        if len(lines) < 2 or lines[0] != "v1":
            raise ValueError("it does not start with v1")
        by_topic = {topic: partitions.items() for topic, partitions in json.loads(lines[-1]).items()}
        offsets = {PartitionKey(topic, int(number)): int(end) for topic, ends in by_topic.items() for number, end in ends}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointUnreadable(f"is not in Spark's format: {error}") from error
    if not by_topic or not by_topic.keys() <= {*topics}:
        raise CheckpointUnreadable(f"is of the topics {sorted(by_topic)}; the stream reads {', '.join(topics)}")
    return offsets


def parse_watermark(text: str) -> datetime | None:
    """The watermark in the middle line of a batch's offsets file; None if the query has none, or no event has set it."""
    _, *middle, _ = text.strip().splitlines()
    milliseconds = json.loads(middle[0]).get("batchWatermarkMs", 0) if middle else 0
    return EPOCH + timedelta(milliseconds=milliseconds) if milliseconds else None


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What Spark records before a batch starts: its offsets, and the query's watermark."""

    ranges: tuple[OffsetRange, ...]
    watermark: datetime | None


class Checkpoint:
    """The checkpoint folder of a query."""

    def __init__(self, spark: SparkSession, settings: Settings, query: Query) -> None:
        self.url = checkpoint_url(settings, query.name)
        self.topics = query.topics
        jvm: Any = spark.sparkContext._jvm
        self._hadoop = jvm.org.apache.hadoop
        self._path = self._hadoop.fs.Path
        self._files = self._path(self.url).getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())  # type: ignore[attr-defined]

    def read_plan(self, batch: int) -> BatchPlan:
        before, name = self._read_offsets(f"offsets/{batch - 1}" if batch else "sources/0/0"), f"offsets/{batch}"
        text = self._read_text(name)
        return BatchPlan(ranges_between(before, self._parse_offsets(text, name)), parse_watermark(text))

    def read_stream_id(self) -> str | None:
        """The id of the stream, or None if there is no checkpoint yet."""
        if not self._list_batches("offsets"):
            return None
        try:
            return str(json.loads(self._read_text("metadata"))["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointUnreadable(f"{self.url}/metadata is not in Spark's format: {error}") from error

    def read_position(self) -> dict[PartitionKey, int]:
        """The offsets where Spark resumes: a batch that was planned but not committed is read again."""
        planned, committed = self._list_batches("offsets"), self._list_batches("commits")
        last = max(planned)
        last_committed = last if last in committed else last - 1
        if last_committed >= 0 and last_committed not in planned:
            raise CheckpointUnreadable(f"{self.url}/offsets/{last_committed} is missing")
        for batch in sorted({last, last_committed} - {-1}):
            self._read_offsets(f"offsets/{batch}")
        return self._read_offsets(f"offsets/{last_committed}" if last_committed >= 0 else "sources/0/0")

    def set_aside(self) -> str:
        """Rename the folder to the first free `<name>.<number>` and return its new url; "" if there is no checkpoint."""
        if not self._files.exists(self._path(self.url)):
            return ""
        number = 1
        while self._files.exists(self._path(f"{self.url}.{number}")):
            number += 1
        if not self._files.rename(self._path(self.url), self._path(f"{self.url}.{number}")):
            raise CheckpointUnreadable(f"{self.url} can't be moved to {self.url}.{number}")
        return f"{self.url}.{number}"

    def _list_batches(self, kind: str) -> set[int]:
        folder = self._path(f"{self.url}/{kind}")
        if not self._files.exists(folder):
            return set()
        names = (status.getPath().getName() for status in self._files.listStatus(folder))
        return {int(name) for name in names if name.isdecimal()}

    def _read_offsets(self, name: str) -> dict[PartitionKey, int]:
        return self._parse_offsets(self._read_text(name), name)

    def _parse_offsets(self, text: str, name: str) -> dict[PartitionKey, int]:
        try:
            return parse_offsets(text, self.topics)
        except CheckpointUnreadable as error:
            raise CheckpointUnreadable(f"{self.url}/{name} {error}") from error

    def _read_text(self, name: str) -> str:
        if not self._files.exists(self._path(f"{self.url}/{name}")):
            raise CheckpointUnreadable(f"{self.url}/{name} is missing")
        stream = self._files.open(self._path(f"{self.url}/{name}"))
        try:
            return bytes(stream.readAllBytes()).decode(errors="replace")
        finally:
            stream.close()
