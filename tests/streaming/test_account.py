"""The sums of a batch from its groups, and the offsets that Spark wrote down."""

from __future__ import annotations

import pytest

from streaming.account import Account, Counts, Group, Hour, Messages, account
from streaming.checkpoint import Span, Unreadable, offsets_of, spans
from tests.spark_session import utc

NOON, ONE = utc(2019, 10, 1, 12), utc(2019, 10, 1, 13)


def test_an_hour_is_the_sum_of_its_groups() -> None:
    found = account(
        [
            Group("raw", ONE, 0, None, "0", 1, 30, 30),
            Group("raw", NOON, 1, None, "2-7", 2, 7, 9),
            Group("raw", NOON, 0, "bad_price", None, 3, 5, 11),
            Group("raw", NOON, 0, None, "0", 4, 2, 10),
            Group("raw", NOON, 0, None, "2-7", 1, 8, 8),
        ]
    )
    noon = Hour(
        "raw", NOON, Counts(10, 7, 3), {"bad_price": 3}, {"2-7": 3, "0": 4}, {0: Messages(2, 11, 8), 1: Messages(7, 9, 2)}
    )
    assert found == Account((noon, Hour("raw", ONE, Counts(1, 1, 0), {}, {"0": 1}, {0: Messages(30, 30, 1)})))
    assert found.counts == Counts(11, 8, 3)
    assert [found.in_partition(number) for number in (0, 1, 2)] == [9, 2, 0]


def test_a_batch_without_messages_has_no_hours() -> None:
    assert account([]).counts == Counts()


def test_a_batch_takes_what_lies_between_two_files_of_offsets() -> None:
    before = offsets_of('\0v1\n{"raw":{"0":5,"1":7}}', "raw")
    after = offsets_of('v1\n{"batchWatermarkMs":0,"conf":{"a":"b"}}\n{"raw":{"1":9,"0":5,"2":3}}', "raw")
    assert spans(before, after) == {0: Span(5, 5), 1: Span(7, 9), 2: Span(0, 3)}


@pytest.mark.parametrize("text", ["", "v1", "v2\n{}", "v1\n{}\n{", 'v1\n{"other":{"0":1}}', 'v1\n{"raw":[1]}', "v1\n-"])
def test_a_file_that_is_not_as_spark_writes_it_is_no_offsets(text: str) -> None:
    with pytest.raises(Unreadable, match=r"is not Spark's: \S"):
        offsets_of(text, "raw")
