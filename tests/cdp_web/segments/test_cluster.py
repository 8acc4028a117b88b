"""Runs on the cluster, with a stand-in for Airflow and jobs that the test completes as batch does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cdp.rules import decode
from cdp.rules.jobs import JobRule, parse_job_rule
from cdp.settings import current
from cdp_web.segments import cluster, members
from cdp_web.segments.cluster_poll import cluster_poll
from cdp_web.segments.members import members_at
from cdp_web.segments.models import CustomerList, ListMember, Membership, Segment, SegmentRun
from cdp_web.segments.runs import segment_run_cancel, segment_run_execute, segment_run_request, segment_runs_sweep
from cdp_web.segments.services import segment_create, segment_update
from cdp_web.serving import airflow as airflow_client
from cdp_web.serving.errors import SnapshotUnavailable
from tests.cdp_web.factories import DAY, buyer, customer, interaction, is_, rule
from tests.cdp_web.segments.airflow_server import PASSWORD, AirflowServer, serve_airflow

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))
PEOPLE = [buyer("2"), customer("1"), buyer("10"), customer("3")]
EVENTS = [interaction("2", "purchase"), interaction("10", "purchase", 3), interaction("1")]


@pytest.fixture
def airflow() -> Iterator[AirflowServer]:
    with serve_airflow() as server:
        yield server


def set_settings(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    settings = replace(current(), **changes)
    for module in (cluster, airflow_client):
        monkeypatch.setattr(module, "current", lambda: settings)


@pytest.fixture(autouse=True)
def always_on_the_cluster(airflow: AirflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    set_settings(monkeypatch, segment_cluster_rows=0, airflow_url=airflow.url, airflow_password=PASSWORD)


@pytest.fixture
def segment(publish: Any) -> Segment:
    publish(PEOPLE, interactions=EVENTS)
    return segment_create(name="Buyers", rule=BUYERS)


def execute(segment: Segment) -> SegmentRun:
    return segment_run_execute(run_id=segment.runs.get(status="queued").pk)


def write(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def read(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def set_job(run: SegmentRun, **values: Any) -> None:
    changes = ", ".join(f"{name} = %s" for name in values)
    write(f"UPDATE mart.segment_job SET {changes} WHERE run = %s", *values.values(), run.pk)


def complete(run: SegmentRun, *ids: str, count: int | None = None) -> None:
    """What batch writes at the end of a job."""
    for each in ids:
        write("INSERT INTO mart.segment_job_member VALUES (%s, %s)", run.pk, each)
    set_job(run, state="done", count=len(ids) if count is None else count)


def read_job_state(run: SegmentRun) -> str:
    return str(read("SELECT state FROM mart.segment_job WHERE run = %s", run.pk)[0][0])


def read_members(segment: Segment) -> list[str]:
    run = Segment.objects.get(pk=segment.pk).current_run
    return [] if run is None else list(members_at(run).values_list("customer_id", flat=True))


def count_leftovers() -> tuple[int, int]:
    ((member_rows, list_rows),) = read(
        "SELECT (SELECT count(*) FROM mart.segment_job_member), (SELECT count(*) FROM mart.segment_job_list)"
    )
    return member_rows, list_rows


@pytest.mark.parametrize(("limit", "engine"), [(0, "spark"), (6, "spark"), (7, "duckdb"), (8, "duckdb")])
def test_the_engine_depends_on_the_rows_of_the_publication(
    segment: Segment, monkeypatch: pytest.MonkeyPatch, airflow: AirflowServer, limit: int, engine: str
) -> None:
    """Four customers and three rows of interactions."""
    set_settings(monkeypatch, segment_cluster_rows=limit, airflow_url=airflow.url, airflow_password=PASSWORD)
    run = execute(segment)
    assert (run.engine, run.status) == (engine, "running" if engine == "spark" else "done")


def test_a_run_becomes_a_job_with_all_that_its_rule_refers_to(segment: Segment, airflow: AirflowServer) -> None:
    vip = CustomerList.objects.create(name="VIP")
    ListMember.objects.bulk_create(ListMember(list=vip, customer_id=each) for each in ("2", "stranger"))
    document = rule({"segment": {"id": segment.pk}}, {"list": {"id": vip.pk}})
    outer = segment_create(name="VIP buyers", rule=document)
    run = execute(outer)
    ((job_rule, *rest),) = read(
        "SELECT rule::text, day, customers_version, interactions_version, state FROM mart.segment_job WHERE run = %s", run.pk
    )
    expected = JobRule(decode(document), {segment.pk: decode(BUYERS)}, {vip.pk: 2})
    assert parse_job_rule(json.loads(job_rule)) == expected
    assert rest == [DAY, 1, 1, "queued"]
    assert read("SELECT list_id, customer_id FROM mart.segment_job_list WHERE run = %s ORDER BY 2", run.pk) == [
        (vip.pk, "2"), (vip.pk, "stranger"),
    ]  # fmt: skip
    assert airflow.started == [{"dag_run_id": f"segment-run-{run.pk}", "logical_date": None, "conf": {"run": run.pk}}]
    assert (run.status, run.engine, run.total) == ("running", "spark", 4)
    assert run.references == {"segments": {str(segment.pk): 1}, "lists": {str(vip.pk): 1}, "recommendations": {}}
    assert run.lease_until
    assert run.lease_until > timezone.now() + cluster.LEASE / 2


def test_the_poll_shows_the_step_and_extends_the_lease(segment: Segment) -> None:
    run = execute(segment)
    SegmentRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() + timedelta(seconds=1))
    cluster_poll()
    run.refresh_from_db()
    assert (run.status, run.step) == ("running", "waiting for the cluster")
    set_job(run, state="running", step="finding the members")
    cluster_poll()
    run.refresh_from_db()
    assert run.step == "finding the members"
    assert run.lease_until
    assert run.lease_until > timezone.now() + cluster.LEASE / 2
    assert segment_runs_sweep() == 0


def test_the_members_of_a_job_become_those_of_the_segment(segment: Segment) -> None:
    run = execute(segment)
    complete(run, "10", "2")
    cluster_poll()
    run.refresh_from_db()
    assert (run.status, run.step, run.count, run.total, run.entered, run.left) == ("done", "", 2, 4, 2, 0)
    assert read_members(segment) == ["10", "2"]
    assert set(Membership.objects.values_list("entered_reason", flat=True)) == {"created"}
    assert (read_job_state(run), count_leftovers()) == ("done", (0, 0))
    cluster_poll()
    assert read_members(segment) == ["10", "2"]


def test_members_of_both_engines_are_compared_with_reasons(
    segment: Segment, monkeypatch: pytest.MonkeyPatch, airflow: AirflowServer
) -> None:
    set_settings(monkeypatch, segment_cluster_rows=8)
    assert execute(segment).engine == "duckdb"
    set_settings(monkeypatch, segment_cluster_rows=0, airflow_url=airflow.url, airflow_password=PASSWORD)
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=rule(is_("total_purchase", "ge", 0)))
    run = execute(segment)
    complete(run, "1", "10", "3")
    cluster_poll()
    run.refresh_from_db()
    assert (run.entered, run.left) == (2, 1)
    stays = Membership.objects.order_by("customer_id").values_list("customer_id", "entered_reason", "left_reason")
    assert list(stays) == [("1", "rule", ""), ("10", "created", ""), ("2", "created", "rule"), ("3", "rule", "")]


def test_a_job_that_failed_fails_the_run(segment: Segment) -> None:
    run = execute(segment)
    set_job(run, state="failed", error="SparkException: out of memory")
    cluster_poll()
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "SparkException: out of memory")
    assert read_members(segment) == []
    assert count_leftovers() == (0, 0)


def test_a_count_that_differs_fails_the_run_and_keeps_the_members(segment: Segment) -> None:
    complete(execute(segment), "10", "2")
    cluster_poll()
    segment_run_request(segment=segment)
    run = execute(segment)
    complete(run, "1", count=2)
    cluster_poll()
    run.refresh_from_db()
    assert run.status == "failed"
    assert "counts 2 members, lists 1" in run.error
    assert read_members(segment) == ["10", "2"]
    assert (read_job_state(run), count_leftovers()) == ("cancelled", (0, 0))


def test_a_job_that_airflow_gave_up_fails_the_run(segment: Segment, airflow: AirflowServer) -> None:
    run = execute(segment)
    set_job(run, state="running")
    airflow.failed = ["segment-run-0"]
    cluster_poll()
    assert SegmentRun.objects.get().status == "running"
    airflow.failed.append(f"segment-run-{run.pk}")
    cluster_poll()
    run.refresh_from_db()
    assert run.status == "failed"
    assert f"segment-run-{run.pk}" in run.error
    assert read_job_state(run) == "cancelled"


def test_a_cancelled_run_cancels_its_job(segment: Segment) -> None:
    run = execute(segment)
    set_job(run, state="running")
    assert segment_run_cancel(run=run)
    cluster_poll()
    assert read_job_state(run) == "cancelled"


def test_members_of_a_job_that_ended_after_its_run_was_cancelled_are_removed(segment: Segment) -> None:
    run = execute(segment)
    segment_run_cancel(run=run)
    complete(run, "10")
    cluster_poll()
    assert (read_job_state(run), count_leftovers(), read_members(segment)) == ("cancelled", (0, 0), [])


@pytest.mark.parametrize("fault", ["away", "password", "dag"])
def test_a_run_is_tried_again_while_airflow_is_away_and_adds_no_second_job(
    segment: Segment, airflow: AirflowServer, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    wrong: dict[str, Any] = {
        "away": {"airflow_url": "http://127.0.0.1:1"}, "password": {"airflow_password": "wrong"}, "dag": {},
    }[fault]  # fmt: skip
    airflow.has_dag = fault != "dag"
    right = {"segment_cluster_rows": 0, "airflow_url": airflow.url, "airflow_password": PASSWORD}
    set_settings(monkeypatch, **(right | wrong))
    run = execute(segment)
    assert (run.status, run.attempt) == ("queued", 1)
    assert run.error.startswith("Airflow ")
    airflow.has_dag = True
    set_settings(monkeypatch, **right)
    SegmentRun.objects.update(not_before=None)
    assert execute(segment).status == "running"
    assert read("SELECT count(*) FROM mart.segment_job") == [(1,)]
    assert len(airflow.started) == 1


def test_a_run_that_is_started_again_keeps_the_job_that_has_begun(segment: Segment, airflow: AirflowServer) -> None:
    run = execute(segment)
    complete(run, "10", "2")
    SegmentRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1), requested_at=timezone.now())
    assert segment_runs_sweep() == 1
    assert execute(segment).attempt == 2
    assert len(airflow.started) == 1
    cluster_poll()
    assert read_members(segment) == ["10", "2"]


def test_members_that_can_not_be_read_now_are_collected_later(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    complete(execute(segment), "10", "2")

    def unavailable(*arguments: Any) -> None:
        raise SnapshotUnavailable("HDFS is away")

    with monkeypatch.context() as patch:
        patch.setattr(members, "_stage_equal_customers", unavailable)
        cluster_poll()
    assert SegmentRun.objects.get().status == "queued"
    SegmentRun.objects.update(not_before=None)
    execute(segment)
    cluster_poll()
    assert (SegmentRun.objects.get().status, read_members(segment)) == ("done", ["10", "2"])


def test_tables_are_created_if_no_night_has_done_so(segment: Segment) -> None:
    write("DROP TABLE mart.segment_job, mart.segment_job_list, mart.segment_job_member")
    cluster_poll()
    assert execute(segment).status == "running"


def test_jobs_of_deleted_runs_are_purged(segment: Segment) -> None:
    run = execute(segment)
    complete(run, "10")
    SegmentRun.objects.all().delete()
    cluster_poll()
    assert count_leftovers() == (0, 0)
    cluster.jobs_purge()
    assert read("SELECT count(*) FROM mart.segment_job") == [(0,)]


def test_the_page_shows_engine_step_and_the_sql_of_spark(segment: Segment, site: Client) -> None:
    run = execute(segment)
    set_job(run, state="running", step="finding the members")
    cluster_poll()
    page = site.get(f"/segments/{segment.pk}/runs").content.decode()
    assert "finding the members" in page
    assert 'data-engine="spark"' in page
    complete(run, "10", "2")
    cluster_poll()
    page = site.get(f"/segments/{segment.pk}/runs").content.decode()
    assert "`total_purchase`" in page
