from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import buyer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture
def administration(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chief", password="secret"))
    return client


@pytest.mark.parametrize("page", ["", "segments/segment/", "segments/segmentrun/", "auth/user/", "authtoken/tokenproxy/"])
def test_lists_open(administration: Client, publish: Any, page: str) -> None:
    segment = segment_create(name="Buyers", rule=rule(is_("views", "ge", 1)))
    segment_run_now(segment=segment, publication=publish([buyer("1")]))
    assert administration.get(f"/admin/{page}").status_code == 200


def test_runs_are_read_only_and_rules_are_not_changed_here(administration: Client, publish: Any) -> None:
    segment = segment_create(name="Buyers", rule=rule(is_("views", "ge", 1)))
    run = segment_run_now(segment=segment, publication=publish([buyer("1")]))
    assert administration.post(f"/admin/segments/segmentrun/{run.pk}/change/", {"status": "failed"}).status_code == 403
    assert administration.get("/admin/segments/segmentrun/add/").status_code == 403
    assert administration.get("/admin/segments/segment/add/").status_code == 403
    administration.post(f"/admin/segments/segment/{segment.pk}/change/", {"name": "Shoppers", "rule": "{}", "version": 9})
    segment.refresh_from_db()
    assert (segment.name, segment.rule, segment.version) == ("Shoppers", rule(is_("views", "ge", 1)), 1)


def test_a_segment_is_archived_and_never_deleted(administration: Client) -> None:
    segment = segment_create(name="Buyers", rule=rule(is_("views", "ge", 1)))
    assert administration.post(f"/admin/segments/segment/{segment.pk}/delete/", {"post": "yes"}).status_code == 403


def test_marketer_does_not_get_in(site: Client) -> None:
    assert site.get("/admin/").status_code == 302
