"""Whether a stream can go on: what would pass over a message, or read another topic, is named. For real: test_way_out.py."""

from __future__ import annotations

import pytest
from pyspark.sql.types import StructType

from streaming.standing import Position, Stuck, lost_before, require_standing, told
from streaming.tables import differences
from streaming.topic import Held, Topic

NOW = Topic("raw", "t1", {0: Held(5, 20), 1: Held(0, 9)})


@pytest.mark.parametrize("position", [Position("t1", {0: 5, 1: 9}), Position(None, {0: 20, 1: 0}), Position("t1", {0: 7})])
def test_a_position_that_kafka_has_is_good(position: Position) -> None:
    require_standing(position, NOW)
    assert lost_before(position, NOW) == []


@pytest.mark.parametrize(
    ("position", "says"),
    [
        (Position("t0", {0: 7}), "the topic raw was deleted and made anew since it was read last: its id was t0 and is t1"),
        (Position("t1", {0: 7, 2: 4}), "the topic raw has no partition 2 any more; it was read up to offset 4"),
        (Position("t1", {1: 10}), "partition 1 of raw ends at offset 9, and was read up to 10"),
        (Position(None, {0: 3, 1: 0}), "messages left Kafka before they were read: raw partition 0, offsets 3 until 5"),
    ],
)
def test_what_stands_in_the_way_is_one_line_with_the_way_out(position: Position, says: str) -> None:
    with pytest.raises(Stuck) as stuck:
        require_standing(position, NOW)
    (line,) = str(stuck.value).splitlines()
    assert line.startswith(says)
    assert line.endswith("docs/operations.md, When the stream stops; then ./run stream --from-earliest-retained")


def test_what_is_lost_is_told_of_the_same_topic_only() -> None:
    assert told(lost_before(Position("t1", {0: 1, 1: 0, 7: 0}), NOW)) == "partition 0, offsets 1 until 5"
    assert lost_before(Position("t0", {0: 1}), NOW) == []


def test_a_column_of_another_type_and_one_that_is_not_ours_make_a_table_foreign() -> None:
    ours = StructType().add("event_id", "string").add("price", "decimal(12,2)")
    assert differences(ours, ours) == []
    assert differences(ours, StructType().add("price", "decimal(12,2)")) == [], "what is missing is added"
    there = StructType().add("price", "double").add("color", "string")
    assert differences(ours, there) == ["price is double and not decimal(12,2)", "color is not ours"]
