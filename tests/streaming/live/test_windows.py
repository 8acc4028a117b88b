"""Which windows are sent to Kafka, and when. Sending itself: test_stream.py."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta

import pytest

from cdp.mart.live_windows import Window
from cdp.settings import load
from streaming.live.windows import MOST_AT_ONCE, WindowSender, find_window
from tests.streaming.live.examples import NOON


def window(begin: int, length: int) -> Window:
    return Window(NOON + timedelta(minutes=begin), NOON + timedelta(minutes=begin + length))


def note(sender: WindowSender, minutes: Iterable[int], newest: int) -> None:
    sender.note_minutes((NOON + timedelta(minutes=minute) for minute in minutes), NOON + timedelta(minutes=newest))


@pytest.mark.parametrize(("minute", "length", "begin"), [(7, 1, 7), (7, 5, 5), (7, 60, 0), (59, 60, 0), (60, 60, 60), (5, 5, 5)])
def test_the_window_of_a_minute(minute: int, length: int, begin: int) -> None:
    assert find_window(NOON + timedelta(minutes=minute), length) == window(begin, length)


def test_the_newest_windows_come_first_and_the_others_with_later_batches() -> None:
    sender = WindowSender(load({}))
    note(sender, [7, 6], 7)
    assert sender.take_due(False) == [window(0, 60), window(5, 5), window(7, 1), window(6, 1)]
    note(sender, range(40), 40)
    assert len(sender.take_due(False)) == MOST_AT_ONCE < len(sender.take_due(True))


def test_windows_that_ended_an_hour_ago_are_not_sent() -> None:
    sender = WindowSender(load({}))
    note(sender, [0, 7], 66)
    assert sender.take_due(True) == [window(0, 60), window(5, 5), window(7, 1)]


def test_a_window_is_sent_at_most_every_n_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = WindowSender(load({}))
    note(sender, [7], 7)
    now = time.monotonic()
    sender.sent_at |= {1: now, 5: now, 60: now}
    due = []
    for seconds in (0, 1, 4, 5, 61):
        monkeypatch.setattr(time, "monotonic", lambda passed=seconds: now + passed)
        due.append([each.minutes for each in sender.take_due(False)])
    assert due == [[], [1], [1], [5, 1], [60, 5, 1]]
