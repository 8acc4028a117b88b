"""The tables of the stream "live" in a database of the test's own, and batches for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from cdp.settings import Settings, load
from streaming.live.parse import ROWS_SCHEMA, LiveReader
from streaming.live.sink import _write_tables
from streaming.lock import LockedConnection
from streaming.messages import OffsetRange, Topic
from streaming.query import BatchContext
from tests import databases
from tests.streaming.live.examples import Sent, make_messages
from tests.streaming.live.recomputation import QUERIES, Rows

READER = LiveReader("USD", timedelta(hours=24))
TOPIC = Topic("events.raw", "t1", {})


@dataclass
class Tables:
    settings: Settings
    connection: LockedConnection
    number: int = 0

    def add(self, rows: pa.Table, start: int, end: int, topic: Topic = TOPIC) -> None:
        """A batch of the messages of partition 0 from one offset to another."""
        ranges = [OffsetRange(topic.name, 0, start, end)]
        _write_tables(rows, BatchContext(self.settings, self.connection, "s1", self.number, [topic], ranges, time.monotonic()))
        self.number += 1

    def read(self) -> dict[str, Rows]:
        return {name: sorted(map(_without_clock, self._query(f"SELECT * FROM live.{name}"))) for name in QUERIES}

    def _query(self, sql: str) -> Rows:
        return databases.rows(self.settings, sql)

    def call(self, function: Any, *arguments: Any) -> Any:
        return self.connection.read(lambda cursor: function(cursor, *arguments))


def _without_clock(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Orders have a list of products, and after it the time of the stream's clock."""
    return row[:-1] if isinstance(row[-1], datetime) else row


@pytest.fixture
def tables() -> Iterator[Tables]:
    with databases.database(load()) as settings:
        connection = LockedConnection(settings, "live", threading.Event())
        connection.open()
        yield Tables(settings, connection)
        connection.close()


def read(sent: Sequence[Sent], first_offset: int = 0) -> pa.Table:
    """The rows of a batch; of equal events within it only the first."""
    rows = pa.Table.from_batches(READER(iter([make_messages(sent, first_offset)])), ROWS_SCHEMA)
    return drop_repeated(rows, set())


def drop_repeated(rows: pa.Table, known: set[tuple[str, str]]) -> pa.Table:
    keys = list(zip(rows.column("event_id").to_pylist(), rows.column("user_id").to_pylist(), strict=True))
    is_new = [key not in known and not known.add(key) for key in keys]  # type: ignore[func-returns-value]
    return rows.filter(pa.array(is_new))
