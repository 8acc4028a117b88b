"""The ledger in Postgres: what a Postgres that goes away does to the stream, and that there is one stream on a checkpoint."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from cdp.settings import Settings, load
from streaming.account import Account, Group, account
from streaming.book import Book, LedgerAway, StreamRuns
from streaming.checkpoint import Span
from streaming.ledger.rows import Batch, Taken
from tests import databases
from tests.spark_session import utc

pytestmark = pytest.mark.stack("postgres")


def batch(number: int) -> tuple[Batch, Account]:
    groups = [Group("raw", utc(2019, 10, 1, 12), 0, None, "0", 3, 10 * number, 10 * number + 2)]
    return Batch("s1", number, "raw", "t1", {0: Taken(Span(10 * number, 10 * number + 10), 3)}, 5), account(groups)


def written(settings: Settings) -> list[tuple[int, int]]:
    sql = "SELECT b.batch, l.received FROM mart.stream_batch b JOIN mart.stream_ledger l USING (stream, batch) ORDER BY 1"
    return databases.rows(settings, sql)


@pytest.fixture
def settings() -> Iterator[Settings]:
    with databases.database(load()) as made:
        yield made


def test_postgres_that_goes_away_is_waited_for_and_loses_and_doubles_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book(settings, threading.Event(), patience=20)
    book.open()
    book.write(*batch(0))
    book.write(*batch(0))
    # The backend dies, and for a moment nobody answers.
    connect, refusals = psycopg2.connect, iter(range(2))

    def hesitate(**arguments: Any) -> Any:
        if next(refusals, None) is not None:
            raise psycopg2.OperationalError("connection refused")
        return connect(**arguments)

    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert databases.rows(settings, f"SELECT count(pg_terminate_backend(pid)) {others}") == [(1,)]
    with monkeypatch.context() as patch:
        patch.setattr(psycopg2, "connect", hesitate)
        book.write(*batch(1))
    assert list(refusals) == []
    assert written(settings) == [(0, 3), (1, 3)]
    # The lock came back with the connection.
    with pytest.raises(StreamRuns):
        Book(settings, threading.Event()).open()
    book.close()


def test_second_stream_is_refused_on_the_same_checkpoint_only(settings: Settings) -> None:
    first, second = (Book(settings, threading.Event(), patience=0) for _ in range(2))
    first.open()
    with pytest.raises(
        StreamRuns, match=r"^another stream runs on the checkpoint hdfs://\S+/cdp/_checkpoints/events; end that one"
    ):
        second.open()
    with pytest.raises(StreamRuns):
        second.write(*batch(0))
    elsewhere = Book(replace(settings, hdfs_root="/elsewhere"), threading.Event())
    elsewhere.open()
    elsewhere.close()
    first.close()
    second.open()
    second.close()
    assert written(settings) == []


def test_postgres_that_stays_away_ends_the_stream_with_one_line(settings: Settings) -> None:
    away = replace(settings, postgres_port=1)
    said = rf"^the ledger in Postgres at {settings.postgres_host}:1 can't be written: .*refused.*; when ./run status shows"
    with pytest.raises(LedgerAway, match=said):
        Book(away, threading.Event()).open()
    with pytest.raises(LedgerAway, match=said):
        Book(away, threading.Event(), patience=0).write(*batch(0))
    # Asked to stop, the stream waits no longer.
    stop = threading.Event()
    stop.set()
    began = time.monotonic()
    with pytest.raises(LedgerAway):
        Book(away, stop, patience=60).write(*batch(0))
    assert time.monotonic() - began < 10
