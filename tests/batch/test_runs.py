"""The record and the lock of a night on a real Postgres: running, cut off, and taken over by the next night."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg2
import pytest

from batch.runs import begin_run, record_failures
from batch.stores.mart import SERVER_KEEPALIVE, NightAlreadyRunning, night_connection
from cdp.mart.daily import create_statements
from cdp.mart.nights import SELECT_RUNS, NightRun, run_from_row
from cdp.postgres import connection_arguments
from cdp.settings import REPOSITORY, Settings, load
from tests import databases

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.subprocess]

DAY = date(2019, 10, 31)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
#: A night in another process, which runs a given statement while it holds the lock.
HOLDER = """
import sys
from datetime import UTC, date, datetime
from batch.stores.mart import night_connection
from batch.runs import begin_run
from cdp.settings import load
with night_connection(load()) as connection:
    run = begin_run(connection, load(), date(2019, 10, 31), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    run.begin_step("customers", {"plan": 1.5})
    print("holds", flush=True)
    with connection.cursor() as cursor:
        exec(sys.argv[1])
"""
IDLE, WAITING = "import time; time.sleep(120)", "cursor.execute('SELECT pg_sleep(120)')"


def clock() -> datetime:
    return NOW


@pytest.fixture
def mart() -> Iterator[Settings]:
    with databases.database(load()) as settings:
        yield settings


def read_runs(settings: Settings) -> list[NightRun]:
    return [run_from_row(row) for row in databases.rows(settings, f"{SELECT_RUNS} ORDER BY id")]


@pytest.fixture
def killed(mart: Settings, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A night that holds the lock until a test kills it."""
    environment = os.environ | {"CDP_POSTGRES_DATABASE": mart.postgres_database, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, request.param], env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "holds\n"
        yield process
        process.kill()


@pytest.mark.parametrize("killed", [IDLE, WAITING], indirect=True, ids=["between statements", "in a statement"])
def test_second_night_learns_who_runs_and_takes_over_after_a_kill(mart: Settings, killed: subprocess.Popen[str]) -> None:
    who = rf"another night runs since \d\d:\d\d:\d\d UTC: it publishes 2019-10-31 \(step customers\), process {killed.pid} on "
    with pytest.raises(NightAlreadyRunning, match=who + re.escape(socket.gethostname())), night_connection(mart):
        pass
    assert [run.state for run in read_runs(mart)] == ["running"]
    os.kill(killed.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while True:
        try:
            with night_connection(mart) as connection:
                (run,) = read_runs(mart)
                assert (run.state, run.why) == ("cut off", "it was cut off in step customers and is no longer running")
                begin_run(connection, mart, DAY, clock)
                assert [run.state for run in read_runs(mart)] == ["cut off", "running"]
            break
        except NightAlreadyRunning:
            assert time.monotonic() < deadline, "the lock of a killed night was not released"
            time.sleep(0.1)


def test_both_ends_check_that_the_other_is_alive(mart: Settings) -> None:
    """No test can unplug a machine, but the settings that close the connection of a vanished one are in force."""
    with night_connection(mart) as connection, connection.cursor() as cursor:
        values = {}
        for name in SERVER_KEEPALIVE:
            cursor.execute(f"SELECT setting FROM pg_settings WHERE name = '{name}'")
            values[name] = cursor.fetchone()[0]
        with socket.socket(fileno=os.dup(connection.fileno())) as ours:
            alive = [
                ours.getsockopt(*option)
                for option in (
                    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                )
            ]
    assert list(values.values()) == ["30", "10", "3", "60000", "2000"]
    assert alive == [1, 30, 10, 3]


def test_night_killed_after_its_publication_counts_as_published(mart: Settings) -> None:
    with night_connection(mart) as connection:
        begin_run(connection, mart, DAY, clock).record_publication(1)
    assert [run.state for run in read_runs(mart)] == ["cut off"]
    with night_connection(mart) as connection:
        run = begin_run(connection, mart, DAY, clock)
        run.record_publication(1)
        assert [run.state for run in read_runs(mart)] == ["cut off", "running"]
        databases.rows(
            mart,
            "INSERT INTO mart.publication (id, day, published_at, customers_version, events_version, profiles_collection,"
            " counts, seconds) VALUES (1, '2019-10-31', now(), 1, 1, 'profiles_a', '{}', '{}') RETURNING 1",
        )
    assert [run.state for run in read_runs(mart)] == ["cut off", "published"]
    with night_connection(mart) as connection:
        begin_run(connection, mart, DAY, clock)
    assert [run.state for run in read_runs(mart)] == ["cut off", "published", "cut off"]


def test_failure_is_recorded_even_if_the_connection_is_the_cause(mart: Settings) -> None:
    with night_connection(mart) as connection:
        run = begin_run(connection, mart, DAY, clock)
        run.begin_step("staging", {"plan": 1.0})
        databases.rows(mart, f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")
        with pytest.raises(psycopg2.OperationalError), record_failures(run):
            connection.cursor().execute("SELECT 1")
    (failed,) = read_runs(mart)
    assert (failed.state, failed.step, failed.seconds) == ("failed", "staging", {"plan": 1.0})
    assert failed.reason
    assert failed.ended_at == NOW


def test_stop_by_hand_is_a_failure(mart: Settings) -> None:
    with night_connection(mart) as connection:
        with pytest.raises(KeyboardInterrupt), record_failures(begin_run(connection, mart, DAY, clock)):
            raise KeyboardInterrupt
        (stopped,) = read_runs(mart)
        assert (stopped.state, stopped.why) == ("failed", "it was stopped by hand")


def test_table_of_an_earlier_version_gets_its_missing_columns_without_blocking_readers(mart: Settings) -> None:
    columns = "id bigint PRIMARY KEY, day date NOT NULL"
    databases.rows(mart, f"CREATE SCHEMA mart; CREATE TABLE mart.publication ({columns}); SELECT 1")
    databases.rows(mart, "INSERT INTO mart.publication VALUES (1, '2019-10-31') RETURNING 1")
    reader = psycopg2.connect(**connection_arguments(mart, "test"))
    try:
        for _ in range(2):
            with reader, reader.cursor() as cursor:
                for statement in create_statements():
                    cursor.execute(statement)
            assert databases.rows(mart, "SELECT checks FROM mart.publication") == [([],)]
        # Now there is nothing to add: a running query neither blocks the night nor is blocked.
        reader.cursor().execute("SELECT * FROM mart.publication")
        with night_connection(mart):
            pass
    finally:
        reader.close()
