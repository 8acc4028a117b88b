from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from cdp_web.segments.models import Segment
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import buyer, customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture
def api(marketer: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(marketer)
    return client


@pytest.fixture
def segments(publish: Any) -> dict[str, Segment]:
    """Customer a/1 is in Everyone, and was in Buyers until the second publication."""
    rules = {"Buyers": rule(is_("total_purchase", "ge", 1)), "Everyone": rule(is_("views", "ge", 0))}
    segments = {name: segment_create(name=name, rule=each) for name, each in rules.items()}
    for number, people in ((1, [buyer("a/1"), customer("2")]), (2, [customer("a/1"), customer("2")])):
        publication = publish(people, number)
        for segment in segments.values():
            segment_run_now(segment=segment, publication=publication)
    return segments


def test_the_current_segments_of_a_customer(api: APIClient, segments: dict[str, Segment]) -> None:
    everyone = {"id": segments["Everyone"].pk, "name": "Everyone", "entered_day": "2019-11-30", "entered_reason": "created"}
    assert api.get("/api/v1/customers/a/1/segments").json() == [everyone]
    assert api.get("/api/v1/customers/99/segments").json() == []


def test_the_history_has_past_stays_too(api: APIClient, segments: dict[str, Segment]) -> None:
    stays = {stay["name"]: stay for stay in api.get("/api/v1/customers/a/1/segments?all=1").json()}
    assert (stays["Buyers"]["left_day"], stays["Buyers"]["left_reason"]) == ("2019-11-30", "data")
    assert (stays["Everyone"]["left_day"], stays["Everyone"]["left_reason"]) == (None, "")


def test_archived_segments_are_left_out(api: APIClient, segments: dict[str, Segment]) -> None:
    Segment.objects.filter(name="Everyone").update(archived_at="2019-12-01T00:00:00Z")
    assert api.get("/api/v1/customers/a/1/segments").json() == []


def test_the_export_of_the_api_is_the_file_of_the_site(api: APIClient, segments: dict[str, Segment]) -> None:
    path = f"/api/v1/segments/{segments['Everyone'].pk}/export"
    answer = api.get(f"{path}?format=csv&columns=views", headers={"accept": "text/csv"})
    assert (answer["Content-Type"], answer["X-Export-Rows"]) == ("text/csv; charset=utf-8", "2")
    assert b"".join(answer) == b"customer_id,views\r\n2,1\r\na/1,1\r\n"
    manifest = api.get(f"{path}/manifest?format=csv&columns=views").json()
    assert (manifest["rows"], str(manifest["run"])) == (2, answer["X-Export-Run"])


@pytest.mark.parametrize("query", ["format=xlsx", "ids=md5", "columns=nonsense", "run=999999", "changes_since=x"])
def test_wrong_parameters_of_an_export_are_refused(api: APIClient, segments: dict[str, Segment], query: str) -> None:
    answer = api.get(f"/api/v1/segments/{segments['Everyone'].pk}/export?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_segment_without_a_complete_run_has_no_export(api: APIClient) -> None:
    segment = segment_create(name="New", rule=rule(is_("views", "ge", 0)))
    assert api.get(f"/api/v1/segments/{segment.pk}/export").status_code == 404
