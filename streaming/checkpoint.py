"""The stream's checkpoint on HDFS: which offsets of Kafka each batch takes, as Spark wrote them down before the batch began.

Read by Hadoop's own client in the driver's JVM, which costs no job. Spark writes the files; this only reads them, and can set
the whole folder aside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from cdp.paths import EVENTS, checkpoint_url
from cdp.settings import Settings

#: Partition -> offset.
Offsets = Mapping[int, int]


class Unreadable(ValueError):
    """A file of the checkpoint is not as Spark writes it, or is missing where there must be one."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a batch takes of one partition: from the first offset up to the second, which is the next batch's."""

    start: int
    end: int


def spans(before: Offsets, after: Offsets) -> dict[int, Span]:
    """A partition that comes into being is taken from its beginning."""
    return {partition: Span(before.get(partition, 0), end) for partition, end in after.items()}


def offsets_of(text: str, topic: str) -> dict[int, int]:
    """The last line of a file of offsets, whichever of Spark's two kinds it is."""
    lines = text.lstrip("\0").strip().splitlines()
    try:
        if len(lines) < 2 or lines[0] != "v1":
            raise ValueError("it does not begin with v1")
        return {int(partition): int(offset) for partition, offset in json.loads(lines[-1])[topic].items()}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Unreadable(f"is not Spark's: {error}") from error


class Checkpoint:
    """The folder of the stream of one topic."""

    def __init__(self, spark: SparkSession, settings: Settings, topic: str) -> None:
        self.url = checkpoint_url(settings, EVENTS)
        self.topic = topic
        jvm: Any = spark.sparkContext._jvm
        self._hadoop = jvm.org.apache.hadoop
        self._path = self._hadoop.fs.Path
        self._files = self._path(self.url).getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())  # type: ignore[attr-defined]

    def spans_of(self, batch: int) -> dict[int, Span]:
        before = self.offsets(f"offsets/{batch - 1}") if batch else self.offsets("sources/0/0")
        return spans(before, self.offsets(f"offsets/{batch}"))

    def stream(self) -> str | None:
        """The id of the stream, or nothing where there is no checkpoint yet."""
        if not self._batches("offsets"):
            return None
        try:
            return str(json.loads(self._text("metadata"))["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(f"{self.url}/metadata is not Spark's: {error}") from error

    def position(self) -> dict[int, int]:
        """From where Spark goes on: a batch that was planned and not committed is taken again."""
        planned, committed = self._batches("offsets"), self._batches("commits")
        last = max(planned)
        done = last if last in committed else last - 1
        if done >= 0 and done not in planned:
            raise Unreadable(f"{self.url}/offsets/{done} is missing")
        for batch in sorted({last, done} - {-1}):
            self.offsets(f"offsets/{batch}")
        return self.offsets(f"offsets/{done}" if done >= 0 else "sources/0/0")

    def set_aside(self) -> str:
        """Under the first free name beside it; nothing where there is none."""
        if not self._files.exists(self._path(self.url)):
            return ""
        number = 1
        while self._files.exists(self._path(f"{self.url}.{number}")):
            number += 1
        if not self._files.rename(self._path(self.url), self._path(f"{self.url}.{number}")):
            raise Unreadable(f"{self.url} can't be moved to {self.url}.{number}")
        return f"{self.url}.{number}"

    def _batches(self, kind: str) -> set[int]:
        folder = self._path(f"{self.url}/{kind}")
        if not self._files.exists(folder):
            return set()
        names = (status.getPath().getName() for status in self._files.listStatus(folder))
        return {int(name) for name in names if name.isdecimal()}

    def offsets(self, name: str) -> dict[int, int]:
        text = self._text(name)
        try:
            return offsets_of(text, self.topic)
        except Unreadable as error:
            raise Unreadable(f"{self.url}/{name} {error}") from error

    def _text(self, name: str) -> str:
        if not self._files.exists(self._path(f"{self.url}/{name}")):
            raise Unreadable(f"{self.url}/{name} is missing")
        stream = self._files.open(self._path(f"{self.url}/{name}"))
        try:
            return bytes(stream.readAllBytes()).decode(errors="replace")
        finally:
            stream.close()
