"""The impact of a rule before it is saved is what the run after saving does."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from cdp.rules import decode
from cdp_web.segments.impact import segment_impact
from cdp_web.segments.models import CustomerList, ListMember, Segment
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create, segment_update
from cdp_web.serving.snapshot_query import snapshot_open
from tests.cdp_web.factories import is_, rule, shop
from tests.cdp_web.segments.test_preview import RULES, invent_interactions

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))


@pytest.mark.parametrize("name", ["nested", "behaviour", "sequence", "rank", "nobody"])
def test_impact_is_what_the_next_run_does(publish: Any, name: str) -> None:
    people = shop(120)
    publication = publish(people, interactions=invent_interactions(people))
    segment = segment_create(name="Any", rule=BUYERS)
    before = segment_run_now(segment=segment, publication=publication)
    impact = segment_impact(snapshot_open(publication), segment, decode(RULES[name]))
    changed = segment_update(segment_id=segment.pk, expected_version=1, name="Any", rule=RULES[name])
    run = segment_run_now(segment=changed, publication=publication)
    assert (impact.before, impact.after) == (before.count, run.count)
    assert (impact.entered, impact.left) == (run.entered, run.left)
    assert (len(impact.entered_sample), len(impact.left_sample)) == (min(10, impact.entered), min(10, impact.left))


def test_lists_of_both_rules_are_read(publish: Any) -> None:
    people = shop(10)
    lists = [CustomerList.objects.create(name=name) for name in ("One", "Two")]
    for number, each in enumerate(lists):
        ListMember.objects.create(list=each, customer_id=people[number]["customer_id"])
    publication = publish(people)
    segment = segment_create(name="Listed", rule=rule({"list": {"id": lists[0].pk}}))
    impact = segment_impact(snapshot_open(publication), segment, decode(rule({"list": {"id": lists[1].pk}})))
    assert (impact.entered_sample, impact.left_sample) == ([people[1]["customer_id"]], [people[0]["customer_id"]])


@pytest.fixture
def api(marketer: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(marketer)
    return client


def test_api_names_the_segments_that_depend_on_it(publish: Any, api: APIClient) -> None:
    publish(shop(20))
    first = segment_create(name="First", rule=BUYERS)
    second = segment_create(name="Second", rule=rule({"segment": {"id": first.pk}}))
    segment_create(name="Third", rule=rule({"not": {"segment": {"id": second.pk}}}))
    segment_create(name="Other", rule=BUYERS)
    answer = api.post(f"/api/v1/segments/{first.pk}/impact", {"rule": BUYERS}, format="json").json()
    assert (answer["entered"], answer["left"], answer["webhooks"]) == (0, 0, [])
    assert [each["name"] for each in answer["segments"]] == ["Second", "Third"]
    assert Segment.objects.get(pk=first.pk).version == 1


def test_a_rule_that_would_refer_to_itself_is_refused(publish: Any, api: APIClient) -> None:
    publish([])
    segment = segment_create(name="First", rule=BUYERS)
    answer = api.post(f"/api/v1/segments/{segment.pk}/impact", {"rule": rule({"segment": {"id": segment.pk}})}, format="json")
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, "rule.all[0].segment.id")


def test_the_builder_offers_the_impact_of_a_change_only(publish: Any, site: Client) -> None:
    publish([])
    segment = segment_create(name="First", rule=BUYERS)
    assert 'id="impact"' in site.get(f"/segments/{segment.pk}/edit").content.decode()
    assert 'id="impact"' not in site.get("/segments/new").content.decode()
