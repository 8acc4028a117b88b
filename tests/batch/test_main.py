"""The command: which days it is asked for, and how it says what went wrong. Nothing here starts Spark."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from batch import __main__ as command
from batch.mart import NightRuns
from batch.steps import StepFailed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    monkeypatch.setattr(command, "run", lambda settings, days, everything, quiet: calls.append((days, everything)))
    return calls


def test_one_day(asked: list[Any]) -> None:
    assert command.main(["--day", "2019-10-31"]) == 0
    assert asked == [([date(2019, 10, 31)], False)]


def test_each_day_of_a_range_in_turn(asked: list[Any]) -> None:
    assert command.main(["--from", "2019-10-30", "--to", "2019-11-01", "--all"]) == 0
    assert asked == [([date(2019, 10, 30), date(2019, 10, 31), date(2019, 11, 1)], True)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which day"),
        (["--from", "2019-10-30"], "say which day"),
        (["--day", "2019-10-30", "--to", "2019-10-31"], "say which day"),
        (["--day", "31.10.2019"], "write it as YYYY-MM-DD"),
        (["--from", "2019-10-31", "--to", "2019-10-30"], "ends .* before it begins"),
    ],
)
def test_what_is_no_day_is_refused(arguments: list[str], said: str, asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert asked == []
    error = capsys.readouterr().err
    assert re.search(said, error)


def failing(error: Exception) -> Any:
    def run(*_: Any, **__: Any) -> None:
        raise error

    return run


def test_error_of_a_step_is_one_line_with_its_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    error = StepFailed("customers")
    error.__cause__ = ValueError("the disk is full\nand more")
    monkeypatch.setattr(command, "run", failing(error))
    assert command.main(["--day", "2019-10-31"]) == 1
    assert capsys.readouterr().err == "night: customers: the disk is full\n"


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run", failing(NightRuns("another night runs.")))
    with pytest.raises(NightRuns):
        command.main(["--day", "2019-10-31", "--debug"])
