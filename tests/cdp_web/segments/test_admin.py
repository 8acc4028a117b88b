from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import buyer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


PAGES = [
    "", "segments/segment/", "segments/segmentrun/", "segments/customerlist/", "segments/webhook/", "segments/webhookdelivery/",
    "auth/user/", "auth/group/", "accounts/apitoken/", "accounts/apitoken/add/", "axes/accessattempt/", "auditlog/logentry/",
]  # fmt: skip


@pytest.fixture
def administration(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chief", password="secret"))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_lists_open(administration: Client, publish: Any, page: str) -> None:
    segment = segment_create(name="Buyers", rule=rule(is_("views", "ge", 1)))
    segment_run_now(segment=segment, publication=publish([buyer("1")]))
    assert administration.get(f"/admin/{page}").status_code == 200


def test_segments_and_runs_are_read_only(administration: Client, publish: Any) -> None:
    segment = segment_create(name="Buyers", rule=rule(is_("views", "ge", 1)))
    run = segment_run_now(segment=segment, publication=publish([buyer("1")]))
    for address in (f"segmentrun/{run.pk}", f"segment/{segment.pk}"):
        assert administration.get(f"/admin/segments/{address}/change/").status_code == 200
        assert administration.post(f"/admin/segments/{address}/change/", {"name": "Shoppers"}).status_code == 403
        assert administration.post(f"/admin/segments/{address}/delete/", {"post": "yes"}).status_code == 403
    assert administration.get("/admin/segments/segment/add/").status_code == 403
    segment.refresh_from_db()
    assert segment.name == "Buyers"


def test_marketer_does_not_get_in(site: Client) -> None:
    assert site.get("/admin/").status_code == 403
