"""Reading the ledger from Postgres: its sums, the gaps between batches, what Kafka still has, and where a stream continues."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from cdp.settings import Settings, load
from streaming.events.account import Group, add_up
from streaming.ledger.read import LedgerContents, read_ledger, read_next_offsets, read_retained_ranges
from streaming.ledger.rows import Batch, PartitionRead
from streaming.ledger.sums import LedgerGap, RecountedRange
from streaming.ledger.writer import LedgerWriter
from streaming.lock import LockedConnection
from streaming.messages import Counts, OffsetRange, Offsets, PartitionKey, StreamPosition, Topic
from tests import databases
from tests.spark_session import utc

pytestmark = pytest.mark.stack("postgres")

BATCHES = 8
NEW_PARTITION_AT = 3
NOON = utc(2019, 10, 1, 12)
OUTCOMES = [("bad_price", None), ("bad_time", None), (None, "0"), (None, "2-7")]


class Stream:
    """Batches as Spark plans them: each starts where the previous one ended, with marks of transactions among the messages."""

    def __init__(self, name: str, topic_id: str = "t1", seed: int = 1) -> None:
        self.name, self.topic_id, self.random = name, topic_id, random.Random(seed)
        self.positions = [{0: 100}]  # before the first batch and after each
        self.groups: list[Group] = []

    def write(self, ledger: LedgerWriter) -> None:
        number, before = len(self.positions) - 1, self.positions[-1]
        starts = before | ({1: 0} if number == NEW_PARTITION_AT else {})
        ranges = {
            partition: OffsetRange("raw", partition, start, start + self.random.randint(2, 9))
            for partition, start in starts.items()
        }
        groups = [
            Group("raw", NOON + timedelta(hours=hour), partition, reason, late, 1, offset, offset)
            for partition, offsets in ranges.items()
            for offset in range(offsets.start, offsets.end - 1)
            for hour in [self.random.randint(0, 2)]
            for reason, late in [self.random.choice(OUTCOMES)]
        ]
        reads = [PartitionRead(offsets, offsets.count - 1) for offsets in ranges.values()]
        ledger.write(Batch(self.name, number, {"raw": self.topic_id}, reads, 5), add_up(groups))
        self.positions.append({partition: offsets.end for partition, offsets in ranges.items()})
        self.groups += groups

    def count(self, partition: int, start: int = 0) -> int:
        """The messages of a partition from this offset on."""
        return sum(group.partition == partition and group.first >= start for group in self.groups)


@pytest.fixture
def settings() -> Iterator[Settings]:
    with databases.database(load()) as settings:
        yield settings


def write_batches(settings: Settings, *streams: Stream) -> None:
    with closing(LockedConnection(settings, "events", threading.Event())) as connection:
        connection.open()
        ledger = LedgerWriter(connection)
        for _ in range(BATCHES):
            for stream in streams:
                stream.write(ledger)


def change_rows(settings: Settings, statement: str) -> None:
    assert databases.rows(settings, f"{statement} RETURNING 1")


def test_sums_and_ranges_are_those_of_all_batches(settings: Settings) -> None:
    streams = Stream("s1", seed=1), Stream("s2", seed=2)
    write_batches(settings, *streams)
    ledger = read_ledger(settings)
    groups = [group for stream in streams for group in stream.groups]
    good = sum(group.reason is None for group in groups)
    (sums,) = ledger.topics
    assert (sums.topic, sums.batches) == ("raw", 2 * BATCHES)
    assert sums.counts == Counts(len(groups), good, len(groups) - good)
    assert (sums.in_partitions, sums.in_batches) == (len(groups), len(groups))
    assert sums.reasons == {reason: sum(group.reason == reason for group in groups) for reason in ("bad_price", "bad_time")}
    assert sums.late == {late: sum(group.late == late for group in groups) for late in ("0", "2-7")}
    assert ledger.gaps == []
    ranges = {(each.stream, each.partition): (each.start, each.end, each.count) for each in ledger.stream_ranges}
    assert ranges == {
        (stream.name, partition): (start, stream.positions[-1][partition], stream.count(partition))
        for stream in streams
        for partition, start in ((0, 100), (1, 0))
    }


@pytest.mark.parametrize("missing", [0, 5])
def test_a_missing_batch_is_a_gap_in_each_partition(missing: int, settings: Settings) -> None:
    stream = Stream("s1")
    write_batches(settings, stream, Stream("s2", seed=2))
    change_rows(settings, f"DELETE FROM mart.stream_batch WHERE stream = 's1' AND batch = {missing}")
    ends = stream.positions[missing] if missing else {0: 0}
    assert read_ledger(settings).gaps == [
        LedgerGap("s1", missing + 1, partition, end, stream.positions[missing + 1][partition]) for partition, end in ends.items()
    ]


def test_skipped_and_repeated_offsets_are_gaps(settings: Settings) -> None:
    stream = Stream("s1")
    write_batches(settings, stream)
    expected = [
        LedgerGap("s1", NEW_PARTITION_AT, 1, 0, 2),  # a new partition must be read from its first offset
        LedgerGap("s1", 5, 0, stream.positions[5][0], stream.positions[5][0] + 1),
        LedgerGap("s1", 6, 1, stream.positions[6][1], stream.positions[6][1] - 1),
    ]
    for gap in expected:
        offsets = f"jsonb_set(offsets, '{{{gap.partition},from}}', '{gap.start}')"
        change_rows(settings, f"UPDATE mart.stream_batch SET offsets = {offsets} WHERE batch = {gap.batch}")
    assert read_ledger(settings).gaps == expected


def test_each_sum_is_added_up_from_its_own_column(settings: Settings) -> None:
    write_batches(settings, Stream("s1"))
    (before,) = read_ledger(settings).topics
    change_rows(settings, "UPDATE mart.stream_batch SET received = received + 1 WHERE batch = 2")
    change_rows(
        settings,
        "UPDATE mart.stream_ledger SET good = good + 1 WHERE (batch, hour) = (SELECT 3, min(hour)"
        " FROM mart.stream_ledger WHERE batch = 3)",
    )
    (after,) = read_ledger(settings).topics
    assert (after.in_batches, after.counts.good) == (before.in_batches + 1, before.counts.good + 1)
    assert (after.counts.received, after.in_partitions, after.late) == (before.counts.received, before.in_partitions, before.late)


@pytest.mark.parametrize(("first", "after_part"), [(0, NEW_PARTITION_AT + 1), (4, 5), (BATCHES - 1, None)])
def test_retained_ranges_are_those_of_whole_batches(first: int, after_part: int | None, settings: Settings) -> None:
    """Kafka has all of the batch `first` in partition 0. In partition 1 it has a part of a batch, and all from `after_part`."""
    stream = Stream("s1")
    write_batches(settings, stream, Stream("s2", "t2", seed=2))
    low, end = {0: stream.positions[first][0], 1: stream.positions[first].get(1, 0) + 1}, stream.positions[-1]
    topic = Topic("raw", "t1", {number: OffsetRange("raw", number, low[number], end[number]) for number in low})
    starts = {0: low[0]} | ({1: stream.positions[after_part][1]} if after_part else {})
    assert read_retained_ranges(settings, topic) == [
        RecountedRange("s1", partition, start, end[partition], stream.count(partition, start))
        for partition, start in starts.items()
    ]


def test_the_last_batch_of_the_most_recent_stream_is_the_position(settings: Settings) -> None:
    first, second, other = Stream("s2", seed=1), Stream("s1", seed=2), Stream("s3", "t2", seed=3)
    for stream in (first, second, other):
        write_batches(settings, stream)
    assert read_next_offsets(settings, Topic("raw", "t1", {})) == in_raw(second.positions[-1])
    assert read_next_offsets(settings, Topic("raw", "t2", {})) == in_raw(other.positions[-1])
    assert read_next_offsets(settings, Topic("raw", "t3", {})) == {}
    with closing(LockedConnection(settings, "events", threading.Event())) as connection:
        ledger = LedgerWriter(connection)
        assert ledger.read_position(["raw"], None) == StreamPosition({"raw": "t2"}, in_raw(other.positions[-1]))
        assert ledger.read_position(["raw", "another"], "s2") == StreamPosition({"raw": "t1"}, in_raw(first.positions[-1]))
        assert ledger.read_position(["raw"], "s4") is None
        assert ledger.read_position(["another"], None) is None


def in_raw(offsets: dict[int, int]) -> Offsets:
    return {PartitionKey("raw", number): offset for number, offset in offsets.items()}


def test_a_database_without_a_ledger_is_empty(settings: Settings) -> None:
    assert read_ledger(settings) == LedgerContents()
    assert read_next_offsets(settings, Topic("raw", "t1", {})) == {}
