"""The command line: which days it runs, and how it reports errors. Nothing here starts Spark."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import date
from typing import Any

import psycopg2
import pytest

from batch import __main__ as command
from batch.__main__ import NightRequest
from batch.gate.verdict import GateClosed
from batch.hdfs.changes import EventsVersion, NoEvents
from batch.steps import StepFailed
from batch.stores.mart import NightAlreadyRunning
from cdp.mart.nights import CheckOutcome
from cdp.settings import current
from tests.cdp.test_errors import PostgresError


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that reach `run`."""
    calls: list[Any] = []

    def run(settings: Any, request: NightRequest, quiet: bool) -> None:
        calls.append(request)

    monkeypatch.setattr(command, "run", run)
    return calls


def test_one_day(requests: list[Any]) -> None:
    assert command.main(["--day", "2019-10-31"]) == 0
    assert requests == [NightRequest(date(2019, 10, 31))]


def test_the_last_day_of_a_range_is_published_and_past_days_get_snapshots_on_request(requests: list[Any]) -> None:
    first, last = date(2019, 10, 30), date(2019, 11, 1)
    assert command.main(["--from", "2019-10-30", "--to", "2019-11-01", "--all"]) == 0
    assert command.main(["--from", "2019-10-30", "--to", "2019-11-01", "--every", "week"]) == 0
    assert requests == [NightRequest(last, everything=True, first=first), NightRequest(last, every="week", first=first)]


def test_checks_are_accepted_with_a_reason(requests: list[Any]) -> None:
    assert command.main(["--day", "2019-10-31", "--accept", "volume", "freshness", "--why", "a fair in town"]) == 0
    ((volume, freshness),) = (request.accepted for request in requests)
    assert (volume.check, volume.why, freshness.check) == ("volume", "a fair in town", "freshness")


def test_explain_takes_a_day_or_none_and_runs_nothing(requests: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    explained: list[Any] = []
    monkeypatch.setattr(command, "explain", lambda settings, day, say: explained.append(day) or 1)
    assert command.main(["--explain"]) == 1
    assert command.main(["--explain", "--day", "2019-10-31"]) == 1
    assert (explained, requests) == ([None, date(2019, 10, 31)], [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scheduled", "--from", "2019-10-30", "--to", "2019-10-31"], "--scheduled needs --day D"),
        (["--explain", "--scheduled", "--day", "2019-10-30"], "--explain can only be combined with --day"),
        (["--day", "2019-10-30", "--every", "week"], "--every needs --from D --to D"),
        (["--explain", "--from", "2019-10-30"], "--explain can only be combined with --day"),
        (["--day", "2019-10-31", "--accept", "volume"], "--accept needs a reason"),
        (["--day", "2019-10-31", "--accept", "size", "--why", "so"], "'size' is not a check; the checks are ledger, rows"),
        ([], "give a day"),
        (["--from", "2019-10-30"], "give a day"),
        (["--day", "2019-10-30", "--to", "2019-10-31"], "give a day"),
        (["--day", "31.10.2019"], "write it as YYYY-MM-DD"),
        (["--from", "2019-10-31", "--to", "2019-10-30"], "ends .* before it begins"),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: list[str], message: str, requests: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        command.main(arguments)
    assert exit_.value.code == 2
    assert requests == []
    error = capsys.readouterr().err
    assert re.search(message, error)


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
    days: list[date], status: int, requests: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "read_events_version", lambda settings: EventsVersion("t", 1, frozenset(days)))
    assert command.main(["--day", "2019-10-31", "--scheduled"]) == status
    assert len(requests) == (status == 0)
    assert command.main(["--day", "2019-10-31"]) == 0


@pytest.mark.parametrize(("error", "status"), [(NoEvents("there are no events"), 99), (OSError("no route"), 0)])
def test_a_scheduled_night_is_not_skipped_if_the_events_can_not_be_read(
    error: Exception, status: int, requests: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "read_events_version", failing(error))
    assert command.main(["--day", "2019-10-31", "--scheduled"]) == status


@pytest.mark.parametrize(("states", "last"), [(["published"], "next: ./run segments refresh"), (["needless"], "maintenance")])
def test_a_night_that_published_ends_with_the_next_command(
    states: list[str], last: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    day = date(2019, 10, 31)
    for name in ("night_connection", "record_failures"):
        monkeypatch.setattr(command, name, lambda _: nullcontext())
    for name in ("session", "end_session", "Night"):
        monkeypatch.setattr(command, name, lambda *_, **__: None)
    monkeypatch.setattr(command, "begin_run", lambda *_: None)
    monkeypatch.setattr(command, "publish_day", lambda *_: states[0])
    monkeypatch.setattr(command, "run_maintenance", lambda *_: command.say("maintenance"))
    command.run(current(), NightRequest(day), quiet=True)
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


def test_error_of_postgres_in_a_step_is_shown_with_the_step_and_the_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = StepFailed("staging")
    error.__cause__ = PostgresError("could not extend file\nHINT:  Check free disk space.", "Check free disk space.")
    monkeypatch.setattr(command, "run", failing(error))
    assert command.main(["--day", "2019-10-31"]) == 1
    assert capsys.readouterr().err == "night: staging: Postgres: could not extend file (Check free disk space.)\n"


def test_a_database_that_stops_between_the_steps_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run", failing(psycopg2.OperationalError("server closed the connection\n\tprobably killed\n")))
    assert command.main(["--day", "2019-10-31"]) == 1
    assert capsys.readouterr().err == "night: between its steps: Postgres: server closed the connection\n"


def test_closed_gate_shows_the_commands_and_has_its_own_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = StepFailed("gate")
    error.__cause__ = GateClosed([CheckOutcome("volume", "failed", "3 events")], 8, date(2019, 10, 31))
    monkeypatch.setattr(command, "run", failing(error))
    assert command.main(["--day", "2019-10-31"]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "night: the gate is closed, 1 of 8 checks failed; nothing was published.",
        "  volume     3 events",
        "See all checks: ./run night --explain",
        'To publish anyway, on record: ./run night --day 2019-10-31 --accept volume --why "..."',
    ]


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "run", failing(NightAlreadyRunning("another night runs.")))
    with pytest.raises(NightAlreadyRunning):
        command.main(["--day", "2019-10-31", "--debug"])
