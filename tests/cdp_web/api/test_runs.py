"""Following and cancelling a run, and restoring a segment."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from cdp_web.segments.models import SegmentRun
from cdp_web.segments.runs import segment_run_execute
from cdp_web.segments.services import segment_archive, segment_create
from tests.cdp_web.factories import buyer, customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
BUYERS = rule(is_("total_purchase", "ge", 1))


@pytest.fixture
def run(publish: Any) -> SegmentRun:
    """A run that waits for a worker."""
    publish([buyer("1"), buyer("2"), customer("3")])
    return segment_create(name="Buyers", rule=BUYERS).runs.get()


def get_address(run: SegmentRun) -> str:
    return f"/api/v1/segments/{run.segment_id}/runs/{run.pk}"


def test_run_from_waiting_to_done(api: APIClient, run: SegmentRun) -> None:
    answer = api.get(get_address(run)).json()
    assert [answer[key] for key in ("status", "attempt", "step", "entered")] == ["queued", 0, "", None]
    SegmentRun.objects.filter(pk=run.pk).update(status="running", attempt=2, step="finding the members")
    answer = api.get(get_address(run)).json()
    assert [answer[key] for key in ("status", "attempt", "step")] == ["running", 2, "finding the members"]
    SegmentRun.objects.filter(pk=run.pk).update(status="queued", attempt=0)
    segment_run_execute(run_id=run.pk)
    answer = api.get(get_address(run)).json()
    keys = ("status", "engine", "queue", "attempt", "count", "entered", "left", "total")
    assert [answer[key] for key in keys] == ["done", "duckdb", "people", 1, 2, 2, 0, 3]


@pytest.mark.parametrize("status", ["queued", "running"])
def test_cancel(api: APIClient, run: SegmentRun, status: str) -> None:
    SegmentRun.objects.filter(pk=run.pk).update(status=status)
    answer = api.post(f"{get_address(run)}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    again = api.post(f"{get_address(run)}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert segment_run_execute(run_id=run.pk).status == "cancelled"


def test_run_of_another_segment(api: APIClient, run: SegmentRun) -> None:
    other = segment_create(name="Others", rule=rule(is_("total_purchase", "eq", 0)))
    for action in (
        api.get(f"/api/v1/segments/{other.pk}/runs/{run.pk}"),
        api.post(f"/api/v1/segments/{other.pk}/runs/{run.pk}/cancel"),
    ):
        assert action.status_code == 404
    run.refresh_from_db()
    assert run.status == "queued"


def test_restore(api: APIClient, run: SegmentRun) -> None:
    segment_run_execute(run_id=run.pk)
    segment_archive(segment=run.segment)
    answer = api.post(f"/api/v1/segments/{run.segment_id}/restore")
    assert (answer.status_code, answer.json()["archived_at"]) == (200, None)
    newest = run.segment.runs.first()
    assert (newest.pk > run.pk, newest.is_restore, newest.status) == (True, True, "queued")
    again = api.post(f"/api/v1/segments/{run.segment_id}/restore")
    assert (again.status_code, run.segment.runs.first().pk) == (200, newest.pk)


def test_cancel_button(site: Client, run: SegmentRun) -> None:
    address = f"/segments/{run.segment_id}/runs/{run.pk}/cancel"
    assert f'action="{address}"' in site.get(f"/segments/{run.segment_id}/status").content.decode()
    assert site.get(address).status_code == 405
    assert site.post(address).status_code == 302
    run.refresh_from_db()
    assert run.status == "cancelled"
    page = site.get(f"/segments/{run.segment_id}/runs").content.decode()
    assert f'action="{address}"' not in page
    assert "Cancelled" in page
    assert site.post(address).status_code == 302
    assert site.post(f"/segments/{run.segment_id}/runs/999999/cancel").status_code == 404


def test_an_archived_segment_is_not_run(api: APIClient, run: SegmentRun) -> None:
    segment_archive(segment=run.segment)
    answer = api.post(f"/api/v1/segments/{run.segment_id}/run")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
