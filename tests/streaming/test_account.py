"""The sums of a batch from its groups, and the offsets in Spark's checkpoint."""

from __future__ import annotations

import pytest

from streaming.checkpoint import CheckpointUnreadable, parse_offsets, ranges_between
from streaming.events.account import BatchAccount, Group, Hour, PartitionMessages, add_up
from streaming.messages import Counts, OffsetRange, PartitionKey
from tests.spark_session import utc

NOON, ONE = utc(2019, 10, 1, 12), utc(2019, 10, 1, 13)


def test_an_hour_is_the_sum_of_its_groups() -> None:
    account = add_up(
        [
            Group("raw", ONE, 0, None, "0", 1, 30, 30),
            Group("raw", NOON, 1, None, "2-7", 2, 7, 9),
            Group("raw", NOON, 0, "bad_price", None, 3, 5, 11),
            Group("raw", NOON, 0, None, "0", 4, 2, 10),
            Group("raw", NOON, 0, None, "2-7", 1, 8, 8),
        ]
    )
    noon = Hour(
        "raw",
        NOON,
        Counts(10, 7, 3),
        {"bad_price": 3},
        {"2-7": 3, "0": 4},
        {0: PartitionMessages(2, 11, 8), 1: PartitionMessages(7, 9, 2)},
    )
    one = Hour("raw", ONE, Counts(1, 1, 0), {}, {"0": 1}, {0: PartitionMessages(30, 30, 1)})
    assert account == BatchAccount((noon, one))
    assert account.counts == Counts(11, 8, 3)
    assert [account.count_in(PartitionKey("raw", number)) for number in (0, 1, 2)] == [9, 2, 0]
    assert account.count_in(PartitionKey("other", 0)) == 0


def test_a_batch_without_messages_has_no_hours() -> None:
    assert add_up([]).counts == Counts()


def test_a_batch_reads_the_ranges_between_two_offsets_files() -> None:
    before = parse_offsets('\0v1\n{"raw":{"0":5,"1":7}}', ["raw"])
    after = parse_offsets('v1\n{"batchWatermarkMs":0,"conf":{"a":"b"}}\n{"raw":{"1":9,"0":5,"2":3}}', ["raw"])
    assert ranges_between(before, after) == (
        OffsetRange("raw", 0, 5, 5),
        OffsetRange("raw", 1, 7, 9),
        OffsetRange("raw", 2, 0, 3),
    )


@pytest.mark.parametrize("text", ["", "v1", "v2\n{}", "v1\n{}\n{", 'v1\n{"raw":[1]}', "v1\n-"])
def test_an_offsets_file_in_another_format_is_refused(text: str) -> None:
    with pytest.raises(CheckpointUnreadable, match=r"Spark's format: \S"):
        parse_offsets(text, ["raw"])


def test_offsets_of_two_topics_are_kept_apart() -> None:
    before = parse_offsets('v1\n{"orders":{"0":5}}', ["orders", "payments"])
    after = parse_offsets('v1\n{"payments":{"0":2},"orders":{"0":8}}', ["orders", "payments"])
    assert after == {("orders", 0): 8, ("payments", 0): 2}
    assert ranges_between(before, after) == (OffsetRange("orders", 0, 5, 8), OffsetRange("payments", 0, 0, 2))
    assert [each.count for each in ranges_between(before, after)] == [3, 2]


@pytest.mark.parametrize("text", ['v1\n{"other":{"0":1}}', 'v1\n{"raw":{"0":1},"other":{"0":1}}', "v1\n{}"])
def test_offsets_of_other_topics_are_refused(text: str) -> None:
    with pytest.raises(CheckpointUnreadable, match="the stream reads raw"):
        parse_offsets(text, ["raw"])
