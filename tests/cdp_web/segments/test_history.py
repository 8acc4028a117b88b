"""The size of a segment on past days, members as of a day, and who entered and left."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from cdp_web.celery import app
from cdp_web.segments import history
from cdp_web.segments.history import sizes_fill
from cdp_web.segments.models import Segment, SegmentSize
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create, segment_update
from cdp_web.serving import past, snapshot_store
from cdp_web.serving.errors import SnapshotUnavailable
from tests.cdp_web import factories
from tests.cdp_web.factories import DAY, buyer, customer, interaction, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))
VIEWERS = rule({"behaviour": {"event": "view", "did": True, "window": {"last_days": 2}}})


def go_back(days: int) -> date:
    return DAY - timedelta(days=days)


@pytest.fixture
def days(publish: Any) -> None:
    """Four published days; on each, one more customer is a buyer, and customer 1 viewed something three days ago."""
    for number in range(4):
        people = [buyer(str(n)) if n <= number else customer(str(n)) for n in range(5)]
        publication = publish(people, number + 1, [interaction("1", days_ago=3)])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE mart.publication SET day = %s WHERE id = %s", [go_back(3 - number), publication.id])


@pytest.fixture
def api(marketer: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(marketer)
    return client


def read_sizes(segment: Segment) -> dict[date, int]:
    return dict(SegmentSize.objects.filter(segment=segment).values_list("day", "count"))


def test_past_days_are_filled_newest_first(days: None, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    assert sizes_fill(segment.pk) == 3
    assert read_sizes(segment) == {go_back(3): 1, go_back(2): 2, go_back(1): 3}
    assert sizes_fill(segment.pk) == 0
    other = segment_create(name="Viewers", rule=VIEWERS)
    monkeypatch.setattr(history, "MAX_PAST_DAYS", 2)
    assert sizes_fill(other.pk) == 2
    assert read_sizes(other) == {go_back(2): 1, go_back(1): 0}


def test_segments_that_miss_the_day_are_filled_with_it(days: None) -> None:
    first, second = segment_create(name="Buyers", rule=BUYERS), segment_create(name="Viewers", rule=VIEWERS)
    assert sizes_fill(first.pk) == 6
    assert sizes_fill(second.pk) == 0


def test_a_changed_rule_gets_sizes_of_its_own(days: None) -> None:
    segment = segment_create(name="Any", rule=BUYERS)
    sizes_fill(segment.pk)
    segment_update(segment_id=segment.pk, expected_version=1, name="Any", rule=rule(is_("total_purchase", "eq", 0)))
    assert sizes_fill(segment.pk) == 3
    assert [(size.version, size.count) for size in history.sizes_get(segment)] == [(2, 4), (2, 3), (2, 2)]


def test_days_that_are_gone_are_left_out(days: None, monkeypatch: pytest.MonkeyPatch, api: APIClient) -> None:
    open_customers = snapshot_store.open_customers

    def open_some(publication: Any) -> Any:
        if publication.id == 2:
            raise SnapshotUnavailable("version 2 is gone")
        return open_customers(publication)

    monkeypatch.setattr(snapshot_store, "open_customers", open_some)
    segment = segment_create(name="Buyers", rule=BUYERS)
    assert sizes_fill(segment.pk) == 2
    assert read_sizes(segment).keys() == {go_back(3), go_back(1)}
    answer = api.get(f"/api/v1/segments/{segment.pk}/members?as_of={go_back(2)}")
    assert (answer.status_code, answer.json()["code"]) == (503, "past_unavailable")


def test_only_a_few_files_stay(days: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "FILES_KEPT", 2)
    sizes_fill(segment_create(name="Buyers", rule=BUYERS).pk)
    names = sorted(file.name for file in (snapshot_store.get_folder() / "past").glob("*.duckdb"))
    assert names == [f"{go_back(3)}-1-1.duckdb", f"{go_back(2)}-2-2.duckdb"]


def test_days_that_were_computed_afterwards_count(days: None, monkeypatch: pytest.MonkeyPatch) -> None:
    day, people = go_back(30), [buyer("1"), customer("2")]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mart.past_snapshot"
            " (day, customers_version, events_table, events_version, definition, customers, made_at)"
            " VALUES (%s, 77, '', 1, '', 2, now())",
            [day],
        )
    open_customers, open_interactions = snapshot_store.open_customers, snapshot_store.open_interactions
    is_past = lambda publication: publication.customers_version == 77  # noqa: E731
    monkeypatch.setattr(
        snapshot_store, "open_customers", lambda each: factories.arrow(people) if is_past(each) else open_customers(each)
    )
    monkeypatch.setattr(
        snapshot_store,
        "open_interactions",
        lambda each: factories.interactions_arrow([]) if is_past(each) else open_interactions(each),
    )
    segment = segment_create(name="Buyers", rule=BUYERS)
    assert sizes_fill(segment.pk) == 4
    assert read_sizes(segment)[day] == 1


def test_members_as_of_a_day(days: None, api: APIClient) -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    address = f"/api/v1/segments/{segment.pk}/members"
    answer = api.get(f"{address}?as_of={go_back(2)}").json()
    assert (answer["day"], answer["count"], answer["total"]) == (str(go_back(2)), 2, 5)
    assert [row["customer_id"] for row in answer["members"]] == ["0", "1"]
    assert api.get(f"{address}?as_of={DAY}").json()["count"] == 4
    missing = api.get(f"{address}?as_of={go_back(40)}")
    assert (missing.status_code, missing.json()["detail"]) == (404, f"{go_back(40)} was not published.")
    assert api.get(f"{address}?as_of=yesterday").status_code == 400


def test_a_worker_of_the_night_fills_the_sizes(
    days: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    tasks: list[tuple[str, str, list[int]]] = []
    monkeypatch.setattr(app, "send_task", lambda name, arguments, queue: tasks.append((name, queue, arguments)))
    with django_capture_on_commit_callbacks(execute=True):
        segment = segment_create(name="Buyers", rule=BUYERS)
    assert ("segments.sizes_fill", "night", [segment.pk]) in tasks


def test_history_by_day_and_reason(publish: Any, api: APIClient, site: Client) -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    assert site.get(f"/segments/{segment.pk}/movement").context["changes"] == []
    segment_run_now(segment=segment, publication=publish([buyer("1"), buyer("2"), customer("3")]))
    segment_run_now(segment=segment, publication=publish([buyer("1"), customer("2"), buyer("3")], 2))
    answer = api.get(f"/api/v1/segments/{segment.pk}/history").json()
    assert answer["sizes"] == [{"day": str(DAY), "version": 1, "count": 2, "total": 3}]
    assert answer["changes"] == [
        {"day": str(DAY), "reason": "created", "entered": 2, "left": 0},
        {"day": str(DAY), "reason": "data", "entered": 1, "left": 1},
    ]


def test_movement_page_lists_the_customers_behind_a_number(publish: Any, site: Client) -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    segment_run_now(segment=segment, publication=publish([buyer("1"), buyer("2"), customer("3")]))
    segment_run_now(segment=segment, publication=publish([buyer("1"), customer("2"), buyer("3")], 2))
    address = f"/segments/{segment.pk}/movement"
    sizes, changes = site.get(address).context["charts"]
    assert sizes.rows == [(DAY, 2, 3, 1)]
    assert changes.rows == [(DAY, 1, 1)]
    movement = site.get(address, {"day": str(DAY), "way": "left", "reason": "data"}).context["movement"]
    assert (movement.count, movement.ids) == (1, ["2"])
    assert site.get(address, {"day": str(DAY), "way": "gone", "reason": "data"}).status_code == 400
    assert site.get(address, {"csv": "changes"}).content.decode().splitlines() == ["Day,Entered,Left", f"{DAY},1,1"]
