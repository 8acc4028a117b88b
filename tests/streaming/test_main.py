"""The stream as a command: what ends it is one line, also where its JVM was killed."""

from __future__ import annotations

import signal
from typing import NoReturn

import pytest
from py4j.protocol import Py4JNetworkError

from streaming import __main__ as command


class Gone:
    """A session whose JVM was killed."""

    def stop(self) -> NoReturn:
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize("error", [Py4JNetworkError("Error while sending or receiving"), ConnectionRefusedError(111, "refused")])
def test_a_killed_jvm_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(command, "require_topic", lambda *_: None)
    monkeypatch.setattr(command, "session", lambda *_, **__: Gone())
    monkeypatch.setattr(command, "ensure_tables", fail)
    assert command.main(["--once"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("stream: Spark's JVM is gone; on the way from Kafka at ")
    assert said.err.endswith("the same again goes on where it ended.\n")
    assert said.err.count("\n") == 1
