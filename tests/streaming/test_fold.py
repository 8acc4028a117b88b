"""The ledger of days that are over takes little room and proves the same."""

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
from streaming.account import Group, account
from streaming.book import Book
from streaming.checkpoint import Span
from streaming.ledger.fold import DAYS_BY_BATCH, fold
from streaming.ledger.read import retained, written
from streaming.ledger.rows import Batch, Taken
from streaming.topic import Held, Topic
from tests import databases

pytestmark = pytest.mark.stack("postgres")

A_DAY = 5
DAYS = 12
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
OLD = DAYS - DAYS_BY_BATCH - 1  # the last batch is of today


@pytest.fixture
def settings() -> Iterator[Settings]:
    with databases.database(load()) as made:
        yield made


def day_of(batch: int) -> int:
    """Days before today."""
    return DAYS - 1 - batch // A_DAY


class Stream:
    """Batches as Spark plans them: each begins where the one before ended, with marks of transactions among the messages."""

    def __init__(self, settings: Settings, name: str, seed: int) -> None:
        self.settings, self.name, self.random = settings, name, random.Random(seed)
        self.ends: dict[int, int] = {0: 100}

    def writes(self, book: Book, number: int) -> None:
        spans = {partition: Span(end, end + self.random.randint(2, 9)) for partition, end in self.ends.items()}
        groups = [
            Group("raw", NOON - timedelta(days=day_of(number), hours=hour), partition, reason, late, 1, offset, offset)
            for partition, span in spans.items()
            for offset in range(span.start, span.end - 1)
            for hour in [self.random.randint(0, 2)]
            for reason, late in [self.random.choice([("bad_price", None), ("bad_time", None), (None, "0"), (None, "2-7")])]
        ]
        taken = {partition: Taken(span, span.end - span.start - 1) for partition, span in spans.items()}
        self.ends = {partition: span.end for partition, span in spans.items()}
        book.write(Batch(self.name, number, "raw", "t1", taken, 5), account(groups))


def wrote(settings: Settings, *streams: Stream) -> None:
    """Twelve days up to today. A partition comes into being in the middle of the second."""
    book = Book(settings, threading.Event())
    book.open()
    for number in range(DAYS * A_DAY):
        for stream in streams:
            stream.writes(book, number)
            if number == A_DAY + 2:
                stream.ends[1] = 0
    book.close()
    aged = f"written_at = timestamptz '{NOON}' - interval '1 day' * ({DAYS - 1} - batch / {A_DAY}) RETURNING 1"
    databases.rows(settings, f"UPDATE mart.stream_batch SET {aged}")


def folded(settings: Settings, today: datetime = NOON) -> None:
    connection = psycopg2.connect(**connection_arguments(settings, "test"))
    try:
        fold(connection, today.date())
    finally:
        connection.close()


def batches(settings: Settings, stream: str) -> list[int]:
    return [
        number
        for (number,) in databases.rows(settings, f"SELECT batch FROM mart.stream_batch WHERE stream = '{stream}' ORDER BY 1")
    ]


def kept(settings: Settings) -> list[tuple[object, ...]]:
    return databases.rows(
        settings, "SELECT 'hours', count(*) FROM mart.stream_ledger UNION ALL SELECT 'batches', count(*) FROM mart.stream_batch"
    )


def test_a_day_becomes_one_batch_and_every_sum_and_offset_stays(settings: Settings) -> None:
    wrote(settings, Stream(settings, "s1", 1), Stream(settings, "s2", 2))
    before = written(settings)
    assert before.gaps == []
    assert before.topics[0].batches == 2 * DAYS * A_DAY
    folded(settings)
    assert written(settings) == before
    by_themselves = list(range(OLD * A_DAY, DAYS * A_DAY))
    for stream in ("s1", "s2"):
        assert batches(settings, stream) == [*range(0, OLD * A_DAY, A_DAY), *by_themselves]
    sums = "SELECT batch, received, milliseconds FROM mart.stream_batch WHERE stream = 's1' AND batch = 0"
    hours = "SELECT batch, sum(received)::bigint, count(*) FROM mart.stream_ledger WHERE stream = 's1' AND batch < 5 GROUP BY 1"
    ((_, received, milliseconds),) = databases.rows(settings, sums)
    assert milliseconds == 5 * A_DAY
    assert databases.rows(settings, hours) == [(0, received, 3)]


def test_again_it_changes_nothing_and_a_quiet_stream_keeps_its_last_batch(settings: Settings) -> None:
    wrote(settings, Stream(settings, "s1", 3))
    before = written(settings)
    later = NOON + timedelta(days=DAYS_BY_BATCH + 1)
    folded(settings, later)
    assert batches(settings, "s1") == [*range(0, DAYS * A_DAY, A_DAY), DAYS * A_DAY - 1]
    once = kept(settings)
    folded(settings, later)
    assert (kept(settings), written(settings)) == (once, before)


def test_what_kafka_still_has_is_counted_over_the_same_offsets(settings: Settings) -> None:
    stream = Stream(settings, "s1", 4)
    wrote(settings, stream)
    begin = "SELECT (offsets->'0'->>'from')::int FROM mart.stream_batch WHERE batch = {}"
    for number in (0, A_DAY, OLD * A_DAY, OLD * A_DAY + 3):
        ((low,),) = databases.rows(settings, begin.format(number))
        topic = Topic("raw", "t1", {0: Held(low, stream.ends[0])})
        before = retained(settings, topic)
        folded(settings)
        assert retained(settings, topic) == before
        assert before[0].start == low


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM mart.stream_batch WHERE batch = 7",
        "UPDATE mart.stream_batch SET offsets = jsonb_set(offsets, '{0,from}', '101') WHERE batch = 7",
        "UPDATE mart.stream_batch SET topic_id = 't2' WHERE batch = 7",
        f"UPDATE mart.stream_batch SET written_at = written_at - interval '1 day' WHERE batch = {A_DAY + 3}",
    ],
    ids=["a batch is missing", "offsets were passed over", "another topic", "a clock that was set back"],
)
def test_a_day_that_is_not_whole_stays_as_it_is(damage: str, settings: Settings) -> None:
    wrote(settings, Stream(settings, "s1", 5))
    databases.rows(settings, f"{damage} RETURNING 1")
    before, there = written(settings), set(batches(settings, "s1"))
    folded(settings)
    assert written(settings) == before
    assert set(range(A_DAY, 2 * A_DAY)) & there <= set(batches(settings, "s1"))


def test_a_sum_that_is_off_stays_off(settings: Settings) -> None:
    wrote(settings, Stream(settings, "s1", 6))
    databases.rows(settings, "UPDATE mart.stream_batch SET received = received + 1 WHERE batch = 2 RETURNING 1")
    databases.rows(settings, "UPDATE mart.stream_ledger SET good = good + 1 WHERE batch = 3 RETURNING 1")
    before = written(settings)
    (sums,) = before.topics
    assert sums.in_batches == sums.counts.received + 1
    folded(settings)
    assert batches(settings, "s1")[:2] == [0, A_DAY]
    assert written(settings) == before


class Today(datetime):
    days = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp((NOON + timedelta(days=cls.days)).timestamp(), tz)


class Tomorrow(Today):
    days = 1


def test_a_stream_folds_when_it_begins_and_each_day(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(settings, "s1", 7)
    wrote(settings, stream)
    monkeypatch.setattr("streaming.book.datetime", Today)
    book = Book(settings, threading.Event())
    book.open()
    assert len(batches(settings, "s1")) == OLD + (DAYS - OLD) * A_DAY
    monkeypatch.setattr("streaming.book.datetime", Tomorrow)
    stream.writes(book, DAYS * A_DAY)
    assert len(batches(settings, "s1")) == OLD + 1 + (DAYS - OLD - 1) * A_DAY + 1
    book.close()
