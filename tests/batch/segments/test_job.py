"""A whole job: its row in Postgres, the Delta tables, and the members. Spark is the one of the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from pyspark.sql import SparkSession

from batch.segments import __main__ as command
from batch.segments.__main__ import JobFailed, run_job
from batch.segments.job import JobCancelled, JobRefused, claim_job, job_connection, write_members
from cdp.mart.daily import create_statements
from cdp.mart.segment_jobs import SEGMENT_TABLES
from cdp.postgres import connection_arguments
from cdp.rules import All, Behaviour, Compare, InList, InSegment, Not, Step
from cdp.rules import Any as AnyOf
from cdp.rules.jobs import JobRule
from cdp.settings import Settings, load
from tests import databases
from tests.batch.segments.shop import DAY, LISTED, write_tables

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.spark]

BOUGHT = Behaviour(Step("purchase"), "events", "ge", 1)
JOB = JobRule(AnyOf((InSegment(9), All((InList(3), Not(Compare("sessions", "ge", 5)))))), {9: BOUGHT}, {3: 3, 4: 0})
MEMBERS = ["c2", "c3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    write_tables(load({}), folder)
    return folder


@pytest.fixture
def settings(servers: Any, folder: Path) -> Iterator[Settings]:
    with databases.database(replace(servers.settings, hdfs_url=f"file:{folder}")) as settings:
        execute(settings, *create_statements(SEGMENT_TABLES))
        yield settings


@pytest.fixture(autouse=True)
def use_spark_of_the_tests(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "session", lambda *arguments, **options: spark)
    monkeypatch.setattr(command, "end_session", lambda spark: None)


def execute(settings: Settings, *statements: str) -> None:
    connection = psycopg2.connect(**connection_arguments(settings, "test"))
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


def add_job(settings: Settings, document: dict[str, Any], state: str = "queued", version: int = 0) -> None:
    rule = json.dumps(document).replace("'", "''")
    execute(
        settings,
        "INSERT INTO mart.segment_job (run, rule, day, customers_version, interactions_version, state, requested_at)"
        f" VALUES (5, '{rule}', '{DAY}', {version}, {version}, '{state}', now())",
        *(f"INSERT INTO mart.segment_job_list VALUES (5, {key}, '{each}')" for key, ids in LISTED.items() for each in ids),
    )


def read_job(settings: Settings) -> tuple[Any, ...]:
    ((*values,),) = databases.rows(settings, "SELECT state, step, count, error FROM mart.segment_job")
    return tuple(values)


def read_members(settings: Settings) -> list[str]:
    rows = databases.rows(settings, "SELECT customer_id FROM mart.segment_job_member WHERE run = 5 ORDER BY 1")
    return [customer_id for (customer_id,) in rows]


def test_a_job_writes_its_members_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    add_job(settings, JOB.as_json())
    run_job(settings, 5, quiet=True)
    assert read_job(settings) == ("done", "", 2, "")
    assert read_members(settings) == MEMBERS
    execute(settings, "DELETE FROM mart.segment_job_member")
    run_job(settings, 5, quiet=True)
    assert (read_job(settings)[0], read_members(settings)) == ("done", [])


def test_a_job_that_was_cut_off_begins_again(settings: Settings) -> None:
    add_job(settings, JOB.as_json(), state="running")
    run_job(settings, 5, quiet=True)
    assert (read_job(settings)[0], read_members(settings)) == ("done", MEMBERS)


def test_a_job_of_another_process_is_left_to_it(settings: Settings) -> None:
    add_job(settings, JOB.as_json())
    with job_connection(settings) as connection:
        assert claim_job(connection, 5)
        with pytest.raises(JobRefused):
            run_job(settings, 5, quiet=True)
    assert read_job(settings)[0] == "running"


@pytest.mark.parametrize(
    ("document", "version"),
    [
        (JOB.as_json() | {"rule": {"version": 1, "rule": {"all": []}}}, 0),  # a rule that `check` refuses
        (replace(JOB, list_sizes={3: 4}).as_json(), 0),  # a list that did not come whole
        (JOB.as_json(), 99),  # a version that does not exist
    ],
    ids=["rule", "list", "version"],
)
def test_a_failure_is_stored_and_writes_no_members(settings: Settings, document: dict[str, Any], version: int) -> None:
    add_job(settings, document, version=version)
    with pytest.raises(JobFailed) as error:
        run_job(settings, 5, quiet=True)
    state, _, count, stored = read_job(settings)
    assert (state, count, stored) == ("failed", None, str(error.value))
    assert stored
    assert read_members(settings) == []
    with pytest.raises(JobRefused):
        run_job(settings, 5, quiet=True)


def test_a_cancelled_job_writes_no_members(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    add_job(settings, JOB.as_json())
    with job_connection(settings) as connection:
        assert claim_job(connection, 5)
        execute(settings, "UPDATE mart.segment_job SET state = 'cancelled'")
        with pytest.raises(JobCancelled):
            write_members(connection, 5, [["5\tc1"]], 1)
    assert read_members(settings) == []
    run_job(settings, 5, quiet=True)
    assert read_job(settings)[0] == "cancelled"


def test_a_job_that_is_cancelled_meanwhile_ends_quietly(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    add_job(settings, JOB.as_json())
    compute = command.compute_members

    def cancel_first(*arguments: Any) -> None:
        execute(settings, "UPDATE mart.segment_job SET state = 'cancelled'")
        compute(*arguments)

    monkeypatch.setattr(command, "compute_members", cancel_first)
    run_job(settings, 5, quiet=True)
    assert (read_job(settings)[0], read_members(settings)) == ("cancelled", [])


def test_a_run_without_a_job_is_refused(settings: Settings) -> None:
    with pytest.raises(JobRefused):
        run_job(settings, 5, quiet=True)
