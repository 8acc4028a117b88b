"""The stream as a command: an error is one line, even if its JVM was killed."""

from __future__ import annotations

import signal
from typing import NoReturn
from unittest.mock import MagicMock

import pytest
from py4j.protocol import Py4JNetworkError

from streaming import __main__ as command
from streaming import runner
from streaming.ledger.writer import LedgerWriter


class DeadSession:
    """A session whose JVM was killed."""

    def stop(self) -> NoReturn:
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize("error", [Py4JNetworkError("Error while sending or receiving"), ConnectionRefusedError(111, "refused")])
def test_a_killed_jvm_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(command, "take_turn", lambda *_: True)
    monkeypatch.setattr(command, "session", lambda *_, **__: DeadSession())
    for module, name in ((command, "read_topics"), (runner, "read_topics"), (runner, "Checkpoint")):
        monkeypatch.setattr(module, name, MagicMock())
    monkeypatch.setattr(runner, "BatchHandler", lambda *_: MagicMock(error=None))
    for name in ("ensure_tables", "require_resumable"):
        monkeypatch.setattr(runner, name, fail)
    monkeypatch.setattr(LedgerWriter, "read_position", fail)
    assert command.main(["--once"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("stream: Spark's JVM is gone; ")
    assert output.err.count("\n") == 1
