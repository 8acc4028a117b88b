"""Whether a stream can resume: it is refused if it would skip messages or read another topic. On servers: test_way_out.py."""

from __future__ import annotations

import pytest

from streaming.messages import OffsetRange, PartitionKey, StreamPosition, Topic
from streaming.resume import CannotResume, describe_lost, find_lost_ranges, require_resumable
from streaming.tables import find_differences

NOW = Topic("raw", "t1", {0: OffsetRange("raw", 0, 5, 20), 1: OffsetRange("raw", 1, 0, 9)})


def at(topic_id: str | None, offsets: dict[int, int]) -> StreamPosition:
    """A position in the topic raw."""
    topic_ids = {"raw": topic_id} if topic_id else {}
    return StreamPosition(topic_ids, {PartitionKey("raw", number): offset for number, offset in offsets.items()})


@pytest.mark.parametrize("position", [at("t1", {0: 5, 1: 9}), at(None, {0: 20, 1: 0}), at("t1", {0: 7})])
def test_a_position_that_kafka_has_is_resumable(position: StreamPosition) -> None:
    require_resumable(position, [NOW], "events")
    assert find_lost_ranges(position, NOW) == []


@pytest.mark.parametrize(
    ("position", "words"),
    [
        (at("t0", {0: 7}), ["topic raw was deleted", "its id was t0 and is now t1"]),
        (at("t1", {0: 7, 2: 4}), ["topic raw no longer has partition 2", "offset 4"]),
        (at("t1", {1: 10}), ["partition 1 of raw ends at offset 9", "read up to 10"]),
        (at(None, {0: 3, 1: 0}), ["messages left Kafka before they were read: raw partition 0, offsets 3 until 5"]),
    ],
)
def test_the_reason_not_to_resume_is_one_line_with_the_remedy(position: StreamPosition, words: list[str]) -> None:
    with pytest.raises(CannotResume) as error:
        require_resumable(position, [NOW], "events")
    (line,) = str(error.value).splitlines()
    assert [word for word in words if word not in line] == [], line
    assert line.endswith("docs/operations.md, When the stream stops; then ./run stream --from-earliest-retained")


def test_lost_ranges_are_found_in_the_same_topic_only() -> None:
    assert find_lost_ranges(at("t1", {0: 1, 1: 0, 7: 0}), NOW) == [OffsetRange("raw", 0, 1, 5)]
    assert find_lost_ranges(at("t1", {0: 4}), NOW) == [OffsetRange("raw", 0, 4, 5)], "one lost message is a loss"
    assert describe_lost([OffsetRange("raw", 0, 1, 5)]) == "partition 0, offsets 1 until 5"
    assert find_lost_ranges(at("t0", {0: 1}), NOW) == []


def test_a_column_of_another_type_and_an_unknown_one_make_a_table_foreign() -> None:
    ours = {"event_id": "string", "price": "decimal(12,2)"}
    assert find_differences(ours, ours) == []
    assert find_differences(ours, {"price": "decimal(12,2)"}) == [], "missing columns are added"
    stored = {"price": "double", "color": "string"}
    assert find_differences(ours, stored) == ["price is double instead of decimal(12,2)", "color is unknown"]
