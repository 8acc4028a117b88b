"""A signal requests a stop; afterwards the previous handlers are back."""

from __future__ import annotations

import signal

import pytest

from source_server.produce.stopping import SIGNALS, stop_on_signal


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_event_and_no_more(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signal() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
    assert signal.getsignal(number) is before


def test_handlers_are_restored_after_an_error() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(ZeroDivisionError), stop_on_signal():
        1 / 0  # noqa: B018
    assert [signal.getsignal(number) for number in SIGNALS] == before
