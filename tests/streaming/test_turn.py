"""A second stream is refused, or waits until the first has read everything. On servers: tests/streaming/test_cluster.py."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from cdp.settings import Settings, load
from streaming import __main__ as program
from streaming import turn
from streaming.events.query import EVENTS_QUERY
from streaming.lock import StreamAlreadyRunning
from streaming.messages import OffsetRange, Offsets, PartitionKey, Topic
from streaming.turn import StreamInterrupted, is_read_by_another, take_turn


class LockedElsewhere:
    """A connection whose lock is held by another stream for a number of attempts."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def open(self) -> None:
        self.attempts -= 1
        if self.attempts >= 0:
            raise StreamAlreadyRunning("another stream runs")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "PAUSE_SECONDS", 0)


def answer_with(*answers: bool) -> Any:
    return iter(answers).__next__


def test_second_stream_is_refused_unless_it_may_wait() -> None:
    connection: Any = LockedElsewhere(9)
    with pytest.raises(StreamAlreadyRunning):
        take_turn(connection, None, threading.Event())
    assert take_turn(connection, answer_with(False, False, True), threading.Event()) is False
    stop = threading.Event()
    stop.set()
    with pytest.raises(StreamInterrupted):
        take_turn(connection, answer_with(False), stop)


def test_a_stream_that_ends_meanwhile_leaves_its_turn() -> None:
    connection: Any = LockedElsewhere(2)
    assert take_turn(connection, answer_with(False, False), threading.Event()) is True


@pytest.mark.parametrize(("ends", "is_read"), [((5, 9), True), ((4, 9), True), ((6, 9), False), ((5, 10), False)])
def test_a_topic_is_read_when_the_ledger_has_reached_its_ends(ends: tuple[int, int], is_read: bool) -> None:
    def read_next_offsets(_: Settings, topic: Topic) -> Offsets:
        return {PartitionKey("raw", 0): 5, PartitionKey("raw", 1): 9} if topic.id == "t1" else {}

    query = replace(EVENTS_QUERY, read_next_offsets=read_next_offsets)
    topic = Topic("raw", "t1", {number: OffsetRange("raw", number, 0, end) for number, end in enumerate(ends)})
    assert is_read_by_another(load({}), query, [topic]) is is_read
    assert not is_read_by_another(load({}), query, [replace(topic, id="t2")])
    assert not is_read_by_another(load({}), query, [topic, replace(topic, id="t2")])
    nothing_retained = {number: OffsetRange("raw", number, end, end) for number, end in enumerate(ends)}
    assert is_read_by_another(load({}), query, [Topic("raw", "t2", nothing_retained)])


def test_or_wait_requires_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["--or-wait"])
    assert "--or-wait goes with --once." in capsys.readouterr().err
