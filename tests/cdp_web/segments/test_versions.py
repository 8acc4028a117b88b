"""Versions with author and difference, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from cdp_web.segments.models import Segment, SegmentVersion
from cdp_web.segments.services import segment_create, segment_update
from tests.cdp_web.factories import is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))
REPEAT = rule(is_("total_purchase", "ge", 2), is_("views", "gt", 5))


@pytest.fixture
def segment(marketer: User) -> Segment:
    first = segment_create(name="Buyers", rule=BUYERS, owner=marketer)
    return segment_update(segment_id=first.pk, expected_version=1, name="Buyers", rule=REPEAT)


@pytest.fixture
def api(marketer: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(marketer)
    return client


def test_versions_with_their_difference(api: APIClient, segment: Segment) -> None:
    newest, oldest = api.get(f"/api/v1/segments/{segment.pk}/versions").json()
    assert (newest["number"], newest["author"], oldest["number"], oldest["author"]) == (2, None, 1, "alice")
    changed = {"before": "orders is at least 1", "after": "orders is at least 2"}
    difference = {"added": ["product views is more than 5"], "removed": [], "changed": [changed], "is_regrouped": False}
    assert (newest["difference"], oldest["difference"]) == (difference, None)
    compared = api.get(f"/api/v1/segments/{segment.pk}/versions/difference?before=2&after=1").json()
    assert compared["removed"] == ["product views is more than 5"]


def test_a_version_that_does_not_exist_is_404(api: APIClient, segment: Segment) -> None:
    assert api.get(f"/api/v1/segments/{segment.pk}/versions/difference?before=1&after=9").status_code == 404
    assert api.post(f"/api/v1/segments/{segment.pk}/versions/9/revert", {"version": 2}, format="json").status_code == 404
    assert api.get(f"/api/v1/segments/{segment.pk}/versions/difference?before=x").status_code == 400


def test_api_reverts_and_refuses_a_conflict(api: APIClient, segment: Segment) -> None:
    address = f"/api/v1/segments/{segment.pk}/versions/1/revert"
    assert api.post(address, {"version": 1}, format="json").status_code == 409
    answer = api.post(address, {"version": 2}, format="json").json()
    assert (answer["version"], answer["rule"]) == (3, BUYERS)


def test_a_version_with_a_metric_that_is_gone_is_shown(api: APIClient, segment: Segment) -> None:
    SegmentVersion.objects.filter(segment=segment, number=1).update(rule=rule(is_("gone", "eq", 1)))
    newest, oldest = api.get(f"/api/v1/segments/{segment.pk}/versions").json()
    assert (newest["difference"], oldest["sentence"]) == (None, "the rule can no longer be read")


def test_page_reverts(publish: Any, site: Client, segment: Segment) -> None:
    html = site.get(f"/segments/{segment.pk}/rule").content.decode()
    assert "Changed: orders is at least 1 → orders is at least 2" in html
    assert html.count("/revert") == 1
    site.post(f"/segments/{segment.pk}/versions/1/revert", {"version": "2"})
    current = Segment.objects.get(pk=segment.pk)
    assert (current.version, current.rule) == (3, BUYERS)
    assert site.post(f"/segments/{segment.pk}/versions/1/revert", {"version": "x"}).status_code == 400
