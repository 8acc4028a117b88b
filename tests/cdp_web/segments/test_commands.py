from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.services import segment_archive, segment_create
from cdp_web.segments.starters import STARTERS
from tests.cdp_web.factories import DAY, buyer, customer, interaction, is_, rule, shop

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


def refresh(*arguments: str) -> str:
    output = io.StringIO()
    call_command("segments_refresh", *arguments, stdout=output)
    return output.getvalue()


def test_the_first_refresh_makes_and_computes_every_starter(publish: Any) -> None:
    """test_starters.py counts their members on the demo's history."""
    publish(shop(300), interactions=[interaction("512000000", "cart", days_ago=5)])
    output = refresh()
    assert f"created {len(STARTERS)} starter segments" in output
    segments = Segment.objects.select_related("current_run").in_bulk(field_name="id")
    described = [(segment.name, segment.description) for _, segment in sorted(segments.items())]
    assert described == [(starter.name, starter.description) for starter in STARTERS]
    sizes = {segment.name: segment.current_run and segment.current_run.count for segment in segments.values()}
    assert None not in sizes.values()
    assert sizes["Cart abandoners"] == 1
    assert 0 < (sizes["Repeat buyers"] or 0) < 300


def test_starters_refer_to_each_other_by_id(publish: Any) -> None:
    publish([buyer("1")])
    refresh()
    abandoners = Segment.objects.get(name="Cart abandoners")
    assert Segment.objects.get(name="Abandoned a cart and came back").rule["rule"]["all"][0] == {"segment": {"id": abandoners.pk}}


def test_a_removed_starter_is_not_created_again(publish: Any) -> None:
    publish([buyer("1")])
    refresh()
    first, second = Segment.objects.order_by("pk")[:2]
    first.delete()
    segment_archive(segment=second)
    assert "starter" not in refresh()
    assert Segment.objects.count() == len(STARTERS) - 1


def test_no_starters_beside_an_existing_segment(publish: Any) -> None:
    publish([buyer("1")])
    segment_archive(segment=segment_create(name="Own", rule=rule(is_("views", "ge", 1))))
    refresh()
    assert Segment.objects.count() == 1


def test_refresh_computes_what_is_not_archived_and_prints_it(publish: Any) -> None:
    publish([buyer("1"), customer("2")])
    kept = segment_create(name="Buyers", rule=rule(is_("total_purchase", "ge", 1)))
    gone = segment_create(name="Archived ones", rule=rule(is_("views", "ge", 1)))
    segment_archive(segment=gone)
    output = refresh("--day", str(DAY))
    assert "Buyers" in output
    assert "50.0%" in output
    assert "Archived ones" not in output
    kept.refresh_from_db()
    assert kept.current_run
    assert kept.current_run.count == 1


def test_refresh_by_the_workers_only_requests_runs(publish: Any) -> None:
    publish([buyer("1")])
    segment_create(name="Buyers", rule=rule(is_("total_purchase", "ge", 1)))
    assert "queued" in refresh("--async")
    assert SegmentRun.objects.get().status == "queued"


def test_a_day_that_is_not_published_is_refused(publish: Any) -> None:
    publish([])
    with pytest.raises(CommandError, match=r"serves 2019-11-30, not 2019-11-29; run \./run night --day 2019-11-29"):
        refresh("--day", "2019-11-29")


def test_an_invalid_day_is_refused() -> None:
    with pytest.raises(CommandError, match="is not a day"):
        refresh("--day", "yesterday")


def test_nothing_published_is_a_command_error() -> None:
    with pytest.raises(CommandError, match="first night"):
        refresh()


def test_failure_of_one_segment_is_reported_and_does_not_stop_the_others(publish: Any) -> None:
    publish([buyer("1")])
    broken = segment_create(name="Broken", rule=rule(is_("views", "ge", 1)))
    segment_create(name="Fine", rule=rule(is_("views", "ge", 1)))
    document = rule(is_("no_longer_there", "ge", 1))
    broken.versions.update(rule=document)
    with pytest.raises(CommandError, match="1 of 2 segments failed"):
        refresh()
    assert Segment.objects.get(name="Fine").current_run
    assert "no_longer_there" in broken.runs.order_by("-pk")[0].error
