"""Folding the ledger of past days makes it smaller and keeps every sum and offset."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

import psycopg2
import pytest

from cdp.postgres import connection_arguments
from cdp.settings import Settings, load
from streaming.account import Group, add_up
from streaming.book import Book
from streaming.checkpoint import OffsetRange
from streaming.ledger.fold import DAYS_BY_BATCH, fold
from streaming.ledger.read import read_ledger, read_retained_ranges
from streaming.ledger.rows import Batch, PartitionRead
from streaming.topic import RetainedRange, Topic
from tests import databases

pytestmark = pytest.mark.stack("postgres")

PER_DAY = 5
DAYS = 12
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
OLD = DAYS - DAYS_BY_BATCH - 1  # the last batch was written today


@pytest.fixture
def settings() -> Iterator[Settings]:
    with databases.database(load()) as settings:
        yield settings


def days_ago(batch: int) -> int:
    return DAYS - 1 - batch // PER_DAY


class Stream:
    """Batches as Spark plans them: each starts where the previous one ended, with marks of transactions among the messages."""

    def __init__(self, settings: Settings, name: str, seed: int) -> None:
        self.settings, self.name, self.random = settings, name, random.Random(seed)
        self.ends: dict[int, int] = {0: 100}

    def write(self, book: Book, number: int) -> None:
        ranges = {partition: OffsetRange(end, end + self.random.randint(2, 9)) for partition, end in self.ends.items()}
        groups = [
            Group("raw", NOON - timedelta(days=days_ago(number), hours=hour), partition, reason, late, 1, offset, offset)
            for partition, offsets in ranges.items()
            for offset in range(offsets.start, offsets.end - 1)
            for hour in [self.random.randint(0, 2)]
            for reason, late in [self.random.choice([("bad_price", None), ("bad_time", None), (None, "0"), (None, "2-7")])]
        ]
        reads = {partition: PartitionRead(offsets, offsets.end - offsets.start - 1) for partition, offsets in ranges.items()}
        self.ends = {partition: offsets.end for partition, offsets in ranges.items()}
        book.write(Batch(self.name, number, "raw", "t1", reads, 5), add_up(groups))


def write_days(settings: Settings, *streams: Stream) -> None:
    """Write twelve days up to today. A partition is added in the middle of the second."""
    book = Book(settings, threading.Event())
    book.open()
    for number in range(DAYS * PER_DAY):
        for stream in streams:
            stream.write(book, number)
            if number == PER_DAY + 2:
                stream.ends[1] = 0
    book.close()
    assignment = f"written_at = timestamptz '{NOON}' - interval '1 day' * ({DAYS - 1} - batch / {PER_DAY}) RETURNING 1"
    databases.rows(settings, f"UPDATE mart.stream_batch SET {assignment}")


def fold_days(settings: Settings, today: datetime = NOON) -> None:
    connection = psycopg2.connect(**connection_arguments(settings, "test"))
    try:
        fold(connection, today.date())
    finally:
        connection.close()


def read_batches(settings: Settings, stream: str) -> list[int]:
    return [
        number
        for (number,) in databases.rows(settings, f"SELECT batch FROM mart.stream_batch WHERE stream = '{stream}' ORDER BY 1")
    ]


def count_rows(settings: Settings) -> list[tuple[object, ...]]:
    return databases.rows(
        settings, "SELECT 'hours', count(*) FROM mart.stream_ledger UNION ALL SELECT 'batches', count(*) FROM mart.stream_batch"
    )


def test_a_day_becomes_one_batch_and_every_sum_and_offset_stays(settings: Settings) -> None:
    write_days(settings, Stream(settings, "s1", 1), Stream(settings, "s2", 2))
    before = read_ledger(settings)
    assert before.gaps == []
    assert before.topics[0].batches == 2 * DAYS * PER_DAY
    fold_days(settings)
    assert read_ledger(settings) == before
    unfolded = list(range(OLD * PER_DAY, DAYS * PER_DAY))
    for stream in ("s1", "s2"):
        assert read_batches(settings, stream) == [*range(0, OLD * PER_DAY, PER_DAY), *unfolded]
    sums = "SELECT batch, received, milliseconds FROM mart.stream_batch WHERE stream = 's1' AND batch = 0"
    hours = "SELECT batch, sum(received)::bigint, count(*) FROM mart.stream_ledger WHERE stream = 's1' AND batch < 5 GROUP BY 1"
    ((_, received, milliseconds),) = databases.rows(settings, sums)
    assert milliseconds == 5 * PER_DAY
    assert databases.rows(settings, hours) == [(0, received, 3)]


def test_folding_again_changes_nothing_and_a_quiet_stream_keeps_its_last_batch(settings: Settings) -> None:
    write_days(settings, Stream(settings, "s1", 3))
    before = read_ledger(settings)
    later = NOON + timedelta(days=DAYS_BY_BATCH + 1)
    fold_days(settings, later)
    assert read_batches(settings, "s1") == [*range(0, DAYS * PER_DAY, PER_DAY), DAYS * PER_DAY - 1]
    once = count_rows(settings)
    fold_days(settings, later)
    assert (count_rows(settings), read_ledger(settings)) == (once, before)


def test_retained_messages_are_counted_over_the_same_offsets(settings: Settings) -> None:
    stream = Stream(settings, "s1", 4)
    write_days(settings, stream)
    start = "SELECT (offsets->'0'->>'from')::int FROM mart.stream_batch WHERE batch = {}"
    for number in (0, PER_DAY, OLD * PER_DAY, OLD * PER_DAY + 3):
        ((low,),) = databases.rows(settings, start.format(number))
        topic = Topic("raw", "t1", {0: RetainedRange(low, stream.ends[0])})
        before = read_retained_ranges(settings, topic)
        fold_days(settings)
        assert read_retained_ranges(settings, topic) == before
        assert before[0].start == low


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM mart.stream_batch WHERE batch = 7",
        "UPDATE mart.stream_batch SET offsets = jsonb_set(offsets, '{0,from}', '101') WHERE batch = 7",
        "UPDATE mart.stream_batch SET topic_id = 't2' WHERE batch = 7",
        f"UPDATE mart.stream_batch SET written_at = written_at - interval '1 day' WHERE batch = {PER_DAY + 3}",
    ],
    ids=["a batch is missing", "offsets were skipped", "another topic", "a clock that was set back"],
)
def test_a_day_that_is_not_contiguous_is_not_folded(damage: str, settings: Settings) -> None:
    write_days(settings, Stream(settings, "s1", 5))
    databases.rows(settings, f"{damage} RETURNING 1")
    before, numbers = read_ledger(settings), set(read_batches(settings, "s1"))
    fold_days(settings)
    assert read_ledger(settings) == before
    assert set(range(PER_DAY, 2 * PER_DAY)) & numbers <= set(read_batches(settings, "s1"))


def test_a_wrong_sum_stays_wrong(settings: Settings) -> None:
    write_days(settings, Stream(settings, "s1", 6))
    databases.rows(settings, "UPDATE mart.stream_batch SET received = received + 1 WHERE batch = 2 RETURNING 1")
    databases.rows(settings, "UPDATE mart.stream_ledger SET good = good + 1 WHERE batch = 3 RETURNING 1")
    before = read_ledger(settings)
    (sums,) = before.topics
    assert sums.in_batches == sums.counts.received + 1
    fold_days(settings)
    assert read_batches(settings, "s1")[:2] == [0, PER_DAY]
    assert read_ledger(settings) == before


class Today(datetime):
    days = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp((NOON + timedelta(days=cls.days)).timestamp(), tz)


class Tomorrow(Today):
    days = 1


def test_a_stream_folds_when_it_starts_and_once_a_day(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(settings, "s1", 7)
    write_days(settings, stream)
    monkeypatch.setattr("streaming.book.datetime", Today)
    book = Book(settings, threading.Event())
    book.open()
    assert len(read_batches(settings, "s1")) == OLD + (DAYS - OLD) * PER_DAY
    monkeypatch.setattr("streaming.book.datetime", Tomorrow)
    stream.write(book, DAYS * PER_DAY)
    assert len(read_batches(settings, "s1")) == OLD + 1 + (DAYS - OLD - 1) * PER_DAY + 1
    book.close()
