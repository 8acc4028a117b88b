"""The ledger in Postgres: the stream waits for a Postgres that goes away, and only one stream uses a checkpoint."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from cdp.settings import Settings, load
from streaming.events.account import BatchAccount, Group, add_up
from streaming.ledger.rows import Batch, PartitionRead
from streaming.ledger.writer import LedgerWriter
from streaming.lock import PATIENCE_SECONDS, LedgerUnavailable, LockedConnection, StreamAlreadyRunning
from streaming.messages import OffsetRange
from tests import databases
from tests.spark_session import utc

pytestmark = pytest.mark.stack("postgres")


def make_batch(number: int) -> tuple[Batch, BatchAccount]:
    groups = [Group("raw", utc(2019, 10, 1, 12), 0, None, "0", 3, 10 * number, 10 * number + 2)]
    reads = [PartitionRead(OffsetRange("raw", 0, 10 * number, 10 * number + 10), 3)]
    return Batch("s1", number, {"raw": "t1"}, reads, 5), add_up(groups)


def read_batches(settings: Settings) -> list[tuple[int, int]]:
    sql = "SELECT b.batch, l.received FROM mart.stream_batch b JOIN mart.stream_ledger l USING (stream, batch) ORDER BY 1"
    return databases.rows(settings, sql)


@pytest.fixture
def settings() -> Iterator[Settings]:
    with databases.database(load()) as settings:
        yield settings


def connect_to(settings: Settings, query: str = "events", patience: float = PATIENCE_SECONDS) -> LockedConnection:
    return LockedConnection(settings, query, threading.Event(), patience)


def test_postgres_that_goes_away_is_waited_for_and_loses_and_doubles_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect_to(settings, patience=20)
    ledger = LedgerWriter(connection)
    connection.open()
    ledger.write(*make_batch(0))
    ledger.write(*make_batch(0))
    # The backend dies, and the next connections are refused.
    connect, refusals = psycopg2.connect, iter(range(2))

    def hesitate(**arguments: Any) -> Any:
        if next(refusals, None) is not None:
            raise psycopg2.OperationalError("connection refused")
        return connect(**arguments)

    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert databases.rows(settings, f"SELECT count(pg_terminate_backend(pid)) {others}") == [(1,)]
    with monkeypatch.context() as patch:
        patch.setattr(psycopg2, "connect", hesitate)
        ledger.write(*make_batch(1))
    assert list(refusals) == []
    assert read_batches(settings) == [(0, 3), (1, 3)]
    # The new connection holds the lock again.
    with pytest.raises(StreamAlreadyRunning):
        connect_to(settings).open()
    connection.close()


def test_second_stream_is_refused_on_the_same_checkpoint_only(settings: Settings) -> None:
    first, second = (connect_to(settings, patience=0) for _ in range(2))
    first.open()
    with pytest.raises(StreamAlreadyRunning, match=r" hdfs://\S+/cdp/_checkpoints/events; "):
        second.open()
    with pytest.raises(StreamAlreadyRunning):
        LedgerWriter(second).write(*make_batch(0))
    for other in (connect_to(replace(settings, hdfs_root="/elsewhere")), connect_to(settings, query="shop")):
        other.open()
        other.close()
    first.close()
    second.open()
    second.close()
    assert read_batches(settings) == []


def test_postgres_that_stays_away_ends_the_stream_with_one_line(settings: Settings) -> None:
    away = replace(settings, postgres_port=1)
    message = rf"{settings.postgres_host}:1 can't be written: .*refused"
    with pytest.raises(LedgerUnavailable, match=message):
        connect_to(away).open()
    with pytest.raises(LedgerUnavailable, match=message):
        LedgerWriter(connect_to(away, patience=0)).write(*make_batch(0))
    # After a request to stop, the stream no longer waits.
    stop = threading.Event()
    stop.set()
    started = time.monotonic()
    with pytest.raises(LedgerUnavailable):
        LedgerWriter(LockedConnection(away, "events", stop, patience=60)).write(*make_batch(0))
    assert time.monotonic() - started < 10
