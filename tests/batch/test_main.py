"""The command: which days it is asked for, and how it says what went wrong. Nothing here starts Spark."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import date
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest

from batch import __main__ as command
from batch.__main__ import Order
from batch.gate.verdict import GateClosed
from batch.hdfs.changes import EventsNow, NoEvents
from batch.steps import StepFailed
from batch.stores.mart import NightRuns
from cdp.nights import CheckOutcome
from cdp.settings import current
from tests.cdp.test_said import PostgresError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def run(settings: Any, order: Order, quiet: bool) -> None:
        calls.append(order)

    monkeypatch.setattr(command, "run", run)
    return calls


def test_one_day(asked: list[Any]) -> None:
    assert command.main(["--day", "2019-10-31"]) == 0
    assert asked == [Order(date(2019, 10, 31))]


def test_the_last_day_of_a_range_is_published_and_those_before_get_snapshots_where_they_are_asked_for(asked: list[Any]) -> None:
    first, last = date(2019, 10, 30), date(2019, 11, 1)
    assert command.main(["--from", "2019-10-30", "--to", "2019-11-01", "--all"]) == 0
    assert command.main(["--from", "2019-10-30", "--to", "2019-11-01", "--every", "week"]) == 0
    assert asked == [Order(last, everything=True, first=first), Order(last, every="week", first=first)]


def test_checks_are_accepted_with_a_reason(asked: list[Any]) -> None:
    assert command.main(["--day", "2019-10-31", "--accept", "volume", "freshness", "--why", "a fair in town"]) == 0
    ((volume, freshness),) = (order.accepted for order in asked)
    assert (volume.check, volume.why, freshness.check) == ("volume", "a fair in town", "freshness")


def test_explain_asks_for_a_day_or_for_none_and_runs_nothing(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    explained: list[Any] = []
    monkeypatch.setattr(command, "explain", lambda settings, day, say: explained.append(day) or 1)
    assert command.main(["--explain"]) == 1
    assert command.main(["--explain", "--day", "2019-10-31"]) == 1
    assert (explained, asked) == ([None, date(2019, 10, 31)], [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scheduled", "--from", "2019-10-30", "--to", "2019-10-31"], "--scheduled goes with --day D"),
        (["--explain", "--scheduled", "--day", "2019-10-30"], "--explain takes --day alone"),
        (["--day", "2019-10-30", "--every", "week"], "--every goes with --from D --to D"),
        (["--explain", "--from", "2019-10-30"], "--explain takes --day alone"),
        (["--day", "2019-10-31", "--accept", "volume"], "say why it may be published"),
        (["--day", "2019-10-31", "--accept", "size", "--why", "so"], "'size' is not a check; there are ledger, rows"),
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


@pytest.mark.parametrize(
    ("days", "status"),
    [
        ([], 99),
        ([date(2019, 10, 28)], 99),
        ([date(2019, 10, 28), date(2019, 11, 1)], 99),
        ([date(2019, 10, 29)], 0),
        ([date(2019, 10, 31)], 0),
    ],
)
def test_a_scheduled_night_beyond_the_events_is_skipped_before_anything_starts(
    days: list[date], status: int, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "events_now", lambda settings: EventsNow("t", 1, frozenset(days)))
    assert command.main(["--day", "2019-10-31", "--scheduled"]) == status
    assert len(asked) == (status == 0)
    assert command.main(["--day", "2019-10-31"]) == 0


@pytest.mark.parametrize(("error", "status"), [(NoEvents("there are no events"), 99), (OSError("no route"), 0)])
def test_a_scheduled_night_goes_on_where_the_events_can_not_be_asked(
    error: Exception, status: int, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "events_now", failing(error))
    assert command.main(["--day", "2019-10-31", "--scheduled"]) == status


@pytest.mark.parametrize(("states", "last"), [(["published"], "next: ./run segments refresh"), (["needless"], "house")])
def test_a_night_that_published_ends_with_what_to_type_next(
    states: list[str], last: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    day = date(2019, 10, 31)
    for name in ("night_connection", "recorded"):
        monkeypatch.setattr(command, name, lambda _: nullcontext())
    for name in ("session", "end_session", "Night"):
        monkeypatch.setattr(command, name, lambda *_, **__: None)
    monkeypatch.setattr(command, "begin", lambda *_: SimpleNamespace(day=day))
    monkeypatch.setattr(command, "publish_day", lambda *_: states[0])
    monkeypatch.setattr(command, "keep_house", lambda *_: command.say("house"))
    command.run(current(), Order(day), quiet=True)
    assert capsys.readouterr().out.splitlines()[-1] == last


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


def test_error_of_postgres_in_a_step_is_told_with_the_step_and_its_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = StepFailed("staging")
    error.__cause__ = PostgresError("could not extend file\nHINT:  Check free disk space.", "Check free disk space.")
    monkeypatch.setattr(command, "run", failing(error))
    assert command.main(["--day", "2019-10-31"]) == 1
    assert capsys.readouterr().err == "night: staging: Postgres: could not extend file (Check free disk space.)\n"


def test_a_database_that_goes_away_between_the_steps_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run", failing(psycopg2.OperationalError("server closed the connection\n\tprobably killed\n")))
    assert command.main(["--day", "2019-10-31"]) == 1
    assert capsys.readouterr().err == "night: between its steps: Postgres: server closed the connection\n"


def test_closed_gate_says_what_to_do_and_has_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = StepFailed("gate")
    error.__cause__ = GateClosed([CheckOutcome("volume", "failed", "3 events")], 8, date(2019, 10, 31))
    monkeypatch.setattr(command, "run", failing(error))
    assert command.main(["--day", "2019-10-31"]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "night: the gate is closed, 1 of 8 checks failed; nothing was published.",
        "  volume     3 events",
        "All of them: ./run night --explain",
        'To publish all the same, on record: ./run night --day 2019-10-31 --accept volume --why "..."',
    ]


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run", failing(NightRuns("another night runs.")))
    with pytest.raises(NightRuns):
        command.main(["--day", "2019-10-31", "--debug"])
