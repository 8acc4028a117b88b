"""The record of a night and its lock, on a real Postgres: who runs, who was cut off, and who comes next."""

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

from batch.runs import begin, recorded
from batch.stores.mart import SERVER_KEEPALIVE, NightRuns, night_connection
from cdp.nights import SELECT_RUNS, NightRun, run_from_row
from cdp.postgres import connection_arguments
from cdp.settings import REPOSITORY, Settings, load
from cdp.warehouse import create_statements
from tests import databases

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.subprocess]

DAY = date(2019, 10, 31)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
#: A night in another process, in the middle of what it is given to do.
HOLDER = """
import sys
from datetime import UTC, date, datetime
from batch.stores.mart import night_connection
from batch.runs import begin
from cdp.settings import load
with night_connection(load()) as connection:
    run = begin(connection, load(), date(2019, 10, 31), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    run.at("customers", {"plan": 1.5})
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


def runs(settings: Settings) -> list[NightRun]:
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
def test_second_night_is_told_who_runs_and_takes_over_when_that_one_is_killed(
    mart: Settings, killed: subprocess.Popen[str]
) -> None:
    says = rf"another night runs since \d\d:\d\d:\d\d UTC: it publishes 2019-10-31 \(step customers\), process {killed.pid} on "
    with pytest.raises(NightRuns, match=says + re.escape(socket.gethostname())), night_connection(mart):
        pass
    assert [run.state for run in runs(mart)] == ["running"]
    os.kill(killed.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while True:
        try:
            with night_connection(mart) as connection:
                (left,) = runs(mart)
                assert (left.state, left.why) == ("cut off", "it was cut off in step customers and is no longer running")
                begin(connection, mart, DAY, clock)
                assert [run.state for run in runs(mart)] == ["cut off", "running"]
            break
        except NightRuns:
            assert time.monotonic() < deadline, "the lock of a dead night stays"
            time.sleep(0.1)


def test_both_ends_ask_whether_the_other_is_still_there(mart: Settings) -> None:
    """A machine that vanishes says nothing; no test can unplug one, but what makes its connection go is in force."""
    with night_connection(mart) as connection, connection.cursor() as cursor:
        found = {}
        for name in SERVER_KEEPALIVE:
            cursor.execute(f"SELECT setting FROM pg_settings WHERE name = '{name}'")
            found[name] = cursor.fetchone()[0]
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
    assert list(found.values()) == ["30", "10", "3", "60000", "2000"]
    assert alive == [1, 30, 10, 3]


def test_night_that_is_killed_after_its_publication_has_published(mart: Settings) -> None:
    with night_connection(mart) as connection:
        begin(connection, mart, DAY, clock).publishes(1)
    assert [run.state for run in runs(mart)] == ["cut off"]
    with night_connection(mart) as connection:
        run = begin(connection, mart, DAY, clock)
        run.publishes(1)
        assert [run.state for run in runs(mart)] == ["cut off", "running"]
        databases.rows(
            mart,
            "INSERT INTO mart.publication (id, day, published_at, customers_version, events_version, profiles_collection,"
            " counts, seconds) VALUES (1, '2019-10-31', now(), 1, 1, 'profiles_a', '{}', '{}') RETURNING 1",
        )
    assert [run.state for run in runs(mart)] == ["cut off", "published"]
    with night_connection(mart) as connection:
        begin(connection, mart, DAY, clock)
    assert [run.state for run in runs(mart)] == ["cut off", "published", "cut off"]


def test_failure_is_written_down_also_where_the_connection_is_why(mart: Settings) -> None:
    with night_connection(mart) as connection:
        run = begin(connection, mart, DAY, clock)
        run.at("staging", {"plan": 1.0})
        databases.rows(mart, f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")
        with pytest.raises(psycopg2.OperationalError), recorded(run):
            connection.cursor().execute("SELECT 1")
    (found,) = runs(mart)
    assert (found.state, found.step, found.seconds) == ("failed", "staging", {"plan": 1.0})
    assert found.reason
    assert found.ended_at == NOW


def test_stop_by_hand_is_a_failure(mart: Settings) -> None:
    with night_connection(mart) as connection:
        with pytest.raises(KeyboardInterrupt), recorded(begin(connection, mart, DAY, clock)):
            raise KeyboardInterrupt
        (found,) = runs(mart)
        assert (found.state, found.why) == ("failed", "it was stopped by hand")


def test_table_of_an_earlier_version_gets_what_it_lacks_and_readers_are_not_kept_out(mart: Settings) -> None:
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
        # The second time there is nothing to add: a reader in the middle of a question is no hindrance, and is not hindered.
        reader.cursor().execute("SELECT * FROM mart.publication")
        with night_connection(mart):
            pass
    finally:
        reader.close()
