from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from cdp_web.segments import services
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.rules import RuleInvalid
from cdp_web.segments.services import EditConflict, segment_archive, segment_create, segment_restore, segment_update
from tests.cdp_web.factories import customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))
OTHERS = rule(is_("total_purchase", "eq", 0))


def test_a_new_segment_has_a_version_and_a_queued_run(publish: Any, marketer: User) -> None:
    publish([])
    segment = segment_create(name=" Buyers ", description="who buy", rule=BUYERS, owner=marketer)
    assert (segment.name, segment.version, segment.owner) == ("Buyers", 1, marketer)
    run = segment.runs.get()
    assert (run.status, run.publication_id, run.version.rule, run.requested_by) == ("queued", 1, BUYERS, marketer)


def test_a_segment_can_be_created_without_a_publication() -> None:
    assert not segment_create(name="Buyers", rule=BUYERS).runs.exists()


def test_names_are_unique_whatever_their_case() -> None:
    segment_create(name="Buyers", rule=BUYERS)
    with pytest.raises(ValidationError, match="already exists"):
        segment_create(name="buyers", rule=OTHERS)


@pytest.mark.parametrize("name", ["", "  ", "x" * 121])
def test_name_is_required_and_limited(name: str) -> None:
    with pytest.raises(ValidationError):
        segment_create(name=name, rule=BUYERS)


def test_every_problem_of_a_rule_is_reported_with_its_path() -> None:
    wrong = rule(is_("total_purchase", "ge", "many"), is_("nonsense", "eq", 1))
    with pytest.raises(RuleInvalid) as caught:
        segment_create(name="Wrong", rule=wrong)
    assert [problem["path"] for problem in caught.value.as_json()] == ["rule.all[0].metric.value", "rule.all[1].metric.field"]
    assert not Segment.objects.exists()


def test_the_older_form_of_a_rule_is_saved_in_the_new_form() -> None:
    flat = {"logic": "AND", "conditions": [{"field": "total_purchase", "operator": ">=", "type": "int", "value": "1"}]}
    assert segment_create(name="Buyers", rule=flat).rule == BUYERS


def test_a_changed_rule_makes_a_new_version_and_a_run(publish: Any, marketer: User) -> None:
    publish([customer("1")])
    segment = segment_create(name="Buyers", rule=BUYERS)
    changed = segment_update(segment_id=segment.pk, expected_version=1, name="Others", rule=OTHERS, author=marketer)
    assert (changed.version, changed.name) == (2, "Others")
    assert [(version.number, version.rule) for version in changed.versions.all()] == [(2, OTHERS), (1, BUYERS)]
    assert list(SegmentRun.objects.order_by("pk").values_list("version__number", flat=True)) == [1, 2]


def test_a_new_name_makes_no_new_version(publish: Any) -> None:
    publish([])
    segment = segment_create(name="Buyers", rule=BUYERS)
    changed = segment_update(segment_id=segment.pk, expected_version=1, name=" Shoppers ", rule=BUYERS)
    assert (changed.name, changed.version) == ("Shoppers", 1)
    assert segment.runs.count() == 1


def test_a_version_that_the_author_did_not_see_is_not_overwritten() -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
    with pytest.raises(EditConflict, match="at version 2 now, but you changed version 1"):
        segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=BUYERS)


def test_a_name_that_the_author_did_not_see_is_not_overwritten() -> None:
    segment = segment_create(name="Buyers", rule=BUYERS, description="who buy", tags=["Shop", " shop ", "b", ""])
    segment_update(segment_id=segment.pk, expected_revision=1, name="Shoppers", rule=BUYERS)
    with pytest.raises(EditConflict) as caught:
        segment_update(segment_id=segment.pk, expected_revision=1, name="Buyers", rule=BUYERS, description="new text")
    assert caught.value.segment.name == "Shoppers"
    segment.refresh_from_db()
    assert (segment.version, segment.revision, segment.description, segment.tags) == (1, 2, "who buy", ["b", "shop"])


@pytest.mark.parametrize("tags", [["x" * 31], [str(number) for number in range(11)]])
def test_tags_are_limited(tags: list[str]) -> None:
    with pytest.raises(ValidationError, match="at most"):
        segment_create(name="Buyers", rule=BUYERS, tags=tags)


def test_the_number_of_segments_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_SEGMENTS", 2)
    archived = segment_create(name="Archived", rule=BUYERS)
    segment_archive(segment=archived)
    segment_create(name="One", rule=BUYERS)
    segment_create(name="Two", rule=BUYERS)
    with pytest.raises(ValidationError, match="2 segments already"):
        segment_create(name="Three", rule=BUYERS)
    with pytest.raises(ValidationError, match="2 segments already"):
        segment_restore(segment=archived)


def test_archive_and_restore(publish: Any) -> None:
    publish([])
    segment = segment_create(name="Buyers", rule=BUYERS)
    SegmentRun.objects.all().delete()
    segment_archive(segment=segment)
    assert Segment.objects.get().archived_at
    segment_restore(segment=segment)
    assert Segment.objects.get().archived_at is None
    assert segment.runs.count() == 1
