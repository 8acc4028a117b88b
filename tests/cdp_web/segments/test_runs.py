from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from pytest_django import DjangoCaptureOnCommitCallbacks

from cdp_web.celery import app
from cdp_web.segments import runs, selectors
from cdp_web.segments.models import Segment, SegmentMember, SegmentRun, SegmentVersion
from cdp_web.segments.runs import segment_run_execute, segment_run_now, segment_run_request, segment_runs_sweep
from cdp_web.segments.services import segment_create, segment_update
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
    return [] if run is None else list(run.members.order_by("customer_id").values_list("customer_id", flat=True))


def record_sent_tasks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """The name and arguments of each task, in place of sending it to the broker."""
    tasks: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(app, "send_task", lambda name, arguments: tasks.append((name, arguments)))
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
    assert SegmentMember.objects.count() == 2


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
    assert tasks == [("segments.run_execute", [segment.runs.get().pk])]


def test_without_a_broker_the_run_waits_for_the_sweep(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_broker(name: str, arguments: list[int]) -> None:
        raise BrokerError("refused")

    monkeypatch.setattr(app, "send_task", no_broker)
    runs._dispatch(segment.runs.get().pk)
    assert segment.runs.get().status == "queued"
    SegmentRun.objects.update(requested_at=timezone.now() - timedelta(minutes=2))
    tasks = record_sent_tasks(monkeypatch)
    assert segment_runs_sweep() == 1
    assert tasks == [("segments.run_execute", [segment.runs.get().pk])]


def test_a_recent_run_is_left_to_its_worker(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = record_sent_tasks(monkeypatch)
    assert segment_runs_sweep() == 0
    assert tasks == []


def test_a_run_whose_worker_was_lost_fails(segment: Segment) -> None:
    SegmentRun.objects.update(status="running", started_at=timezone.now() - timedelta(hours=1))
    assert segment_runs_sweep() == 1
    run = segment.runs.get()
    assert run.status == "failed"
    assert "run it again" in run.error


def test_a_failed_run_keeps_the_current_members(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    segment_run_execute(run_id=segment.runs.get().pk)
    monkeypatch.setattr(runs, "snapshot_open", lambda _: (_ for _ in ()).throw(OSError("HDFS is away\ntrace")))
    failed = segment_run_execute(run_id=segment_run_request(segment=segment).pk)
    assert (failed.status, failed.error) == ("failed", "HDFS is away")
    assert read_members(segment) == ["10", "2"]


def test_run_that_fails_half_way_leaves_no_members(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: SegmentRun) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(runs, "_swap", broken)
    failed = segment_run_execute(run_id=segment.runs.get().pk)
    assert (failed.status, SegmentRun.objects.get().status) == ("failed", "failed")
    assert not SegmentMember.objects.exists()


def test_a_missing_publication_fails_the_run(segment: Segment) -> None:
    SegmentRun.objects.update(publication_id=99)
    assert segment_run_execute(run_id=segment.runs.get().pk).error.startswith("Publication 99 is gone")


def test_an_older_run_that_ends_late_does_not_replace_a_newer_one(segment: Segment) -> None:
    older = segment.runs.get()
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    newer = segment.runs.order_by("-pk").first()
    assert newer
    segment_run_execute(run_id=newer.pk)
    segment_run_execute(run_id=older.pk)
    assert read_members(segment) == ["1", "3"]
    assert Segment.objects.get().current_run_id == newer.pk


def test_members_of_a_changed_rule_are_replaced_whole(segment: Segment) -> None:
    segment_run_execute(run_id=segment.runs.get().pk)
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    for run in segment.runs.filter(status="queued"):
        segment_run_execute(run_id=run.pk)
    assert read_members(segment) == ["1", "3"]


def test_members_of_two_runs_are_kept_and_the_history_is_bounded(
    segment: Segment, publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "RUNS_KEPT", 3)
    for _ in range(5):
        segment_run_now(segment=segment, publication=publication)
    with_members = SegmentMember.objects.values_list("run_id", flat=True).distinct()
    latest = list(segment.runs.values_list("pk", flat=True))
    assert sorted(with_members) == sorted(latest[:2])
    assert SegmentRun.objects.filter(status="done").count() == 3


def test_run_computes_the_rule_as_of_its_own_publication(publish: Any) -> None:
    first = publish([buyer("1")])
    second = publish([buyer("1"), buyer("2")], 2)
    segment = segment_create(name="Buyers", rule=BUYERS)
    assert segment_run_now(segment=segment, publication=second).count == 2
    assert segment_run_now(segment=segment, publication=first).count == 1


def test_a_run_keeps_the_requested_version(segment: Segment) -> None:
    run = segment.runs.get()
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    assert segment_run_execute(run_id=run.pk).version == SegmentVersion.objects.get(segment=segment, number=1)


def test_segments_of_a_customer_come_from_current_runs(segment: Segment) -> None:
    segment_run_execute(run_id=segment.runs.get().pk)
    assert [each.name for each in selectors.segments_get_for_customer("2")] == ["Buyers"]
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    for run in segment.runs.filter(status="queued"):
        segment_run_execute(run_id=run.pk)
    assert selectors.segments_get_for_customer("2") == []
