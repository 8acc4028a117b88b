"""The stream as a command: what ends it is one line, also where its JVM was killed."""

from __future__ import annotations

import signal
from typing import NoReturn
from unittest.mock import MagicMock

import pytest
from py4j.protocol import Py4JNetworkError

from streaming import __main__ as command
from streaming import carry
from streaming.book import Book


class Gone:
    """A session whose JVM was killed."""

    def stop(self) -> NoReturn:
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize("error", [Py4JNetworkError("Error while sending or receiving"), ConnectionRefusedError(111, "refused")])
def test_a_killed_jvm_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(command, "take_turn", lambda *_: True)
    monkeypatch.setattr(command, "session", lambda *_, **__: Gone())
    for module, name in ((command, "topic_now"), (carry, "topic_now"), (carry, "Checkpoint")):
        monkeypatch.setattr(module, name, MagicMock())
    monkeypatch.setattr(carry, "Sink", lambda *_: MagicMock(error=None))
    for name in ("ensure_tables", "require_standing"):
        monkeypatch.setattr(carry, name, fail)
    monkeypatch.setattr(Book, "position", fail)
    assert command.main(["--once"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("stream: Spark's JVM is gone; on the way from Kafka at ")
    assert said.err.endswith("the same again goes on where it ended.\n")
    assert said.err.count("\n") == 1
