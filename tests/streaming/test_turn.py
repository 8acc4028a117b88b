"""A second stream is refused, or waits until the first has taken what there is; for real: tests/streaming/test_cluster.py."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from cdp.settings import load
from streaming import __main__ as program
from streaming import turn
from streaming.book import StreamRuns
from streaming.ledger.read import Written
from streaming.ledger.sums import Reach
from streaming.topic import Held, Topic
from streaming.turn import Stopped, take_turn, taken_by_another
from tests.spark_session import utc


class LockedBook:
    """A book whose lock another stream has for so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def open(self) -> None:
        self.looks -= 1
        if self.looks >= 0:
            raise StreamRuns("another stream runs")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "PAUSE_SECONDS", 0)


def taking(*answers: bool) -> Any:
    return iter(answers).__next__


def test_second_stream_is_refused_unless_it_may_wait() -> None:
    book: Any = LockedBook(9)
    with pytest.raises(StreamRuns):
        take_turn(book, None, threading.Event())
    assert take_turn(book, taking(False, False, True), threading.Event()) is False
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        take_turn(book, taking(False), stop)


def test_one_that_ends_meanwhile_leaves_its_turn() -> None:
    book: Any = LockedBook(2)
    assert take_turn(book, taking(False, False), threading.Event()) is True


@pytest.mark.parametrize(("ends", "is_taken"), [((5, 9), True), ((4, 9), True), ((6, 9), False), ((5, 10), False)])
def test_what_was_there_is_taken_when_the_ledger_has_reached_its_ends(
    ends: tuple[int, int], is_taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = utc(2019, 10, 1)
    reaches = [Reach("s", "raw", "t1", number, 0, end, end, begun) for number, end in enumerate((5, 9))]
    monkeypatch.setattr(turn, "written", lambda _: Written(reaches=reaches))
    there = Topic("raw", "t1", {number: Held(0, end) for number, end in enumerate(ends)})
    assert taken_by_another(load({}), there) is is_taken


def test_waiting_is_for_a_stream_that_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["--or-wait"])
    assert "--or-wait goes with --once." in capsys.readouterr().err
