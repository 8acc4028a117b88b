from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from pytest_django import DjangoCaptureOnCommitCallbacks

from cdp_web.celery import app
from cdp_web.segments import runs, selectors
from cdp_web.segments.lease import Lease
from cdp_web.segments.members import members_at
from cdp_web.segments.models import Membership, Segment, SegmentRun, SegmentSize
from cdp_web.segments.runs import (
    segment_run_cancel,
    segment_run_execute,
    segment_run_now,
    segment_run_request,
    segment_runs_sweep,
)
from cdp_web.segments.services import segment_create, segment_update
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.publications import Publication
from tests.cdp_web.factories import DAY, buyer, customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))
OTHERS = rule(is_("total_purchase", "eq", 0))
PEOPLE = [buyer("2"), customer("1"), buyer("10"), customer("3")]


@pytest.fixture
def publication(publish: Any) -> Publication:
    publication: Publication = publish(PEOPLE)
    return publication


@pytest.fixture
def segment(publication: Publication) -> Segment:
    return segment_create(name="Buyers", rule=BUYERS)


def read_members(segment: Segment) -> list[str]:
    run = Segment.objects.get(pk=segment.pk).current_run
    return [] if run is None else list(members_at(run).values_list("customer_id", flat=True))


def record_sent_tasks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """The queue and arguments of each task, in place of sending it to the broker."""
    tasks: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(app, "send_task", lambda name, arguments, queue: tasks.append((queue, arguments)))
    return tasks


def test_run_finds_the_members_and_serves_them(segment: Segment) -> None:
    run = segment_run_execute(run_id=segment.runs.get().pk)
    assert (run.status, run.count, run.total, run.share, run.day) == ("done", 2, 4, 0.5, DAY)
    assert read_members(segment) == ["10", "2"]
    assert '"total_purchase"' in run.sql


def test_a_run_is_computed_once_even_if_sent_twice(segment: Segment) -> None:
    run_id = segment.runs.get().pk
    first = segment_run_execute(run_id=run_id)
    again = segment_run_execute(run_id=run_id)
    assert again.finished_at == first.finished_at
    assert Membership.objects.count() == 2


def test_two_requests_wait_for_the_same_run(segment: Segment) -> None:
    first = segment_run_request(segment=segment)
    assert segment_run_request(segment=segment) == first
    assert segment.runs.count() == 1


def test_a_run_is_sent_to_the_workers_on_commit(
    publication: Publication, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    tasks = record_sent_tasks(monkeypatch)
    with django_capture_on_commit_callbacks(execute=True):
        segment = segment_create(name="Buyers", rule=BUYERS)
        assert tasks == []
    assert tasks == [("people", [segment.runs.get().pk])]


def test_without_a_broker_the_run_waits_for_the_sweep(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_broker(name: str, arguments: list[int], queue: str) -> None:
        raise BrokerError("refused")

    monkeypatch.setattr(app, "send_task", no_broker)
    runs._dispatch(segment.runs.get())
    assert segment.runs.get().status == "queued"
    SegmentRun.objects.update(requested_at=timezone.now() - timedelta(minutes=2))
    tasks = record_sent_tasks(monkeypatch)
    assert segment_runs_sweep() == 1
    assert tasks == [("people", [segment.runs.get().pk])]


def test_a_recent_run_is_left_to_its_worker(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = record_sent_tasks(monkeypatch)
    assert segment_runs_sweep() == 0
    assert tasks == []


def test_a_run_whose_worker_was_lost_is_tried_again_and_fails_in_the_end(segment: Segment) -> None:
    expired = timezone.now() - timedelta(seconds=1)
    SegmentRun.objects.update(status="running", attempt=1, lease_until=expired)
    segment_runs_sweep()
    assert segment.runs.get().status == "queued"
    SegmentRun.objects.update(status="running", attempt=runs.MAX_ATTEMPTS, lease_until=expired)
    segment_runs_sweep()
    run = segment.runs.get()
    assert run.status == "failed"
    assert "run it again" in run.error


def test_a_run_with_a_valid_lease_is_left_to_its_worker(segment: Segment) -> None:
    assert Lease.claim(segment.runs.get().pk) is not None
    assert Lease.claim(segment.runs.get().pk) is None
    assert segment_runs_sweep() == 0


def test_a_store_that_is_away_is_tried_again_later(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(_: object) -> None:
        raise SnapshotUnavailable("HDFS is away")

    monkeypatch.setattr(runs, "snapshot_open", unavailable)
    run = segment_run_execute(run_id=segment.runs.get().pk)
    assert (run.status, run.attempt, run.error) == ("queued", 1, "HDFS is away")
    assert run.not_before
    assert run.not_before > timezone.now()
    assert Lease.claim(run.pk) is None  # not yet


def test_a_cancelled_run_writes_nothing(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    run = segment.runs.get()

    def cancel_meanwhile(*arguments: Any) -> str:
        assert segment_run_cancel(run=run)
        return ""

    monkeypatch.setattr(runs, "to_sql", cancel_meanwhile)
    assert segment_run_execute(run_id=run.pk).status == "cancelled"
    assert not Membership.objects.exists()
    assert not segment_run_cancel(run=run)


def test_counts_that_differ_fail_the_run(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = runs.members_stage
    monkeypatch.setattr(runs, "members_stage", lambda chunks: stage(rows[:1] for rows in chunks))
    run = segment_run_execute(run_id=segment.runs.get().pk)
    assert run.status == "failed"
    assert "counts 2 members, lists 1" in run.error
    assert not Membership.objects.exists()


def test_a_failed_run_keeps_the_current_members(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    segment_run_execute(run_id=segment.runs.get().pk)
    monkeypatch.setattr(runs, "snapshot_open", lambda _: (_ for _ in ()).throw(OSError("HDFS is away\ntrace")))
    failed = segment_run_execute(run_id=segment_run_request(segment=segment).pk)
    assert (failed.status, failed.error) == ("failed", "HDFS is away")
    assert read_members(segment) == ["10", "2"]


def test_run_that_fails_half_way_leaves_no_members(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(segment_id: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(runs, "_prune", broken)
    failed = segment_run_execute(run_id=segment.runs.get().pk)
    assert (failed.status, SegmentRun.objects.get().status) == ("failed", "failed")
    assert not Membership.objects.exists()


def test_a_missing_publication_fails_the_run(segment: Segment) -> None:
    SegmentRun.objects.update(publication_id=99)
    assert segment_run_execute(run_id=segment.runs.get().pk).error.startswith("Publication 99 is gone")


def test_a_new_version_cancels_the_runs_of_older_ones(segment: Segment) -> None:
    older = segment.runs.get()
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    newer = segment.runs.order_by("-pk").first()
    assert newer
    segment_run_execute(run_id=newer.pk)
    assert segment_run_execute(run_id=older.pk).status == "cancelled"
    assert read_members(segment) == ["1", "3"]
    assert Segment.objects.get().current_run_id == newer.pk


def test_an_older_run_that_ends_late_does_not_replace_a_newer_one(segment: Segment, publication: Publication) -> None:
    older = segment.runs.get()
    newer = segment_run_now(segment=segment, publication=publication)
    assert segment_run_execute(run_id=older.pk).status == "cancelled"
    assert Segment.objects.get().current_run_id == newer.pk


def test_members_of_a_changed_rule_are_replaced_whole(segment: Segment) -> None:
    segment_run_execute(run_id=segment.runs.get().pk)
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    for run in segment.runs.filter(status="queued"):
        segment_run_execute(run_id=run.pk)
    assert read_members(segment) == ["1", "3"]


def test_the_history_of_runs_is_bounded(segment: Segment, publication: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RUNS_KEPT", 3)
    for _ in range(5):
        segment_run_now(segment=segment, publication=publication)
        SegmentRun.objects.update(changes_sent_at=timezone.now())
    assert SegmentRun.objects.filter(status="done").count() == 3
    assert read_members(segment) == ["10", "2"]


def read_stays(segment: Segment) -> list[tuple[Any, ...]]:
    fields = ("customer_id", "entered_day", "entered_reason", "left_day", "left_reason")
    return list(segment.memberships.order_by("customer_id", "entered_run").values_list(*fields))


def test_members_are_intervals_with_reasons(publish: Any) -> None:
    """Monday: 1 and 2 are active. Tuesday: 2 comes again, 3 is new, and nothing happens but time for 1."""
    monday, tuesday = DAY - timedelta(days=1), DAY
    active = rule(is_("days_since_seen", "le", 0))
    people = [customer("1", last_seen=monday, days_since_seen=0), customer("2", last_seen=monday, days_since_seen=0)]
    first = publish(people, day=monday)
    segment = segment_create(name="Seen today", rule=active)
    segment_run_now(segment=segment, publication=first)
    later = [customer("1", last_seen=monday, days_since_seen=1), customer("2", views=2), customer("3")]
    second = publish([{**row, "days_since_seen": row["days_since_seen"] or 0} for row in later], 2)
    run = segment_run_now(segment=segment, publication=second)
    assert (run.count, run.entered, run.left) == (2, 1, 1)
    assert read_stays(segment) == [
        ("1", monday, "created", tuesday, "window"),
        ("2", monday, "created", None, ""),
        ("3", tuesday, "data", None, ""),
    ]
    before = segment.runs.get(publication_id=1, status="done")
    assert list(members_at(before).values_list("customer_id", flat=True)) == ["1", "2"]
    assert list(SegmentSize.objects.values_list("day", "count")) == [(monday, 2), (tuesday, 2)]


def test_a_changed_rule_and_a_restored_segment_are_reasons(segment: Segment) -> None:
    segment_run_execute(run_id=segment.runs.get().pk)
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    for run in segment.runs.filter(status="queued"):
        segment_run_execute(run_id=run.pk)
    assert {stay[2:] for stay in read_stays(segment)} == {("created", DAY, "rule"), ("rule", None, "")}


def test_a_segment_of_segments_is_evaluated_on_the_same_publication(segment: Segment, publication: Publication) -> None:
    """The outer segment does not wait for the members of the inner one."""
    other = segment_create(name="Not buyers", rule=rule({"not": {"segment": {"id": segment.pk}}}))
    run = segment_run_now(segment=other, publication=publication)
    assert read_members(other) == ["1", "3"]
    assert run.references == {"segments": {str(segment.pk): 1}, "lists": {}, "recommendations": {}}


def test_run_computes_the_rule_as_of_its_own_publication(publish: Any) -> None:
    first = publish([buyer("1")])
    second = publish([buyer("1"), buyer("2")], 2)
    segment = segment_create(name="Buyers", rule=BUYERS)
    assert segment_run_now(segment=segment, publication=first).count == 1
    assert segment_run_now(segment=segment, publication=second).count == 2


def test_segments_of_a_customer_come_from_current_runs(segment: Segment) -> None:
    segment_run_execute(run_id=segment.runs.get().pk)
    assert [each.name for each in selectors.segments_get_for_customer("2")] == ["Buyers"]
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    for run in segment.runs.filter(status="queued"):
        segment_run_execute(run_id=run.pk)
    assert selectors.segments_get_for_customer("2") == []
