"""How far a load has come, where there is no terminal: a line now and then, not one a page."""

from __future__ import annotations

import pytest

from source_server import progress
from source_server.progress import shown_progress


def test_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([0.0, 1.0, 6.0, 6.0, 7.0, 30.0, 30.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with shown_progress() as report:
        report("shop", "read", 10, None)
        report("shop", "read", 1000, None)
        report("shop", "send", 10, 2000)
        report("shop", "send", 1500, 2000)
    assert capsys.readouterr().err == "reading shop: 1,000 rows\nsending shop: 1,500 of 2,000 rows\n"
