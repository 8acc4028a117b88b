"""A second stream is refused, or waits until the first has read everything. On servers: tests/streaming/test_cluster.py."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from cdp.settings import load
from streaming import __main__ as program
from streaming import turn
from streaming.book import StreamAlreadyRunning
from streaming.topic import RetainedRange, Topic
from streaming.turn import StreamInterrupted, is_read_by_another, take_turn


class LockedBook:
    """A book whose lock is held by another stream for a number of attempts."""

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
    book: Any = LockedBook(9)
    with pytest.raises(StreamAlreadyRunning):
        take_turn(book, None, threading.Event())
    assert take_turn(book, answer_with(False, False, True), threading.Event()) is False
    stop = threading.Event()
    stop.set()
    with pytest.raises(StreamInterrupted):
        take_turn(book, answer_with(False), stop)


def test_a_stream_that_ends_meanwhile_leaves_its_turn() -> None:
    book: Any = LockedBook(2)
    assert take_turn(book, answer_with(False, False), threading.Event()) is True


@pytest.mark.parametrize(("ends", "is_read"), [((5, 9), True), ((4, 9), True), ((6, 9), False), ((5, 10), False)])
def test_a_topic_is_read_when_the_ledger_has_reached_its_ends(
    ends: tuple[int, int], is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "read_next_offsets", lambda _, topic_id: {0: 5, 1: 9} if topic_id == "t1" else {})
    topic = Topic("raw", "t1", {number: RetainedRange(0, end) for number, end in enumerate(ends)})
    assert is_read_by_another(load({}), topic) is is_read
    assert not is_read_by_another(load({}), replace(topic, id="t2"))
    nothing_retained = {number: RetainedRange(end, end) for number, end in enumerate(ends)}
    assert is_read_by_another(load({}), Topic("raw", "t2", nothing_retained))


def test_or_wait_requires_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["--or-wait"])
    assert "--or-wait goes with --once." in capsys.readouterr().err
