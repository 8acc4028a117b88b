"""Preview = list = result: one query on one snapshot, and the interpreter agrees."""

from __future__ import annotations

from typing import Any

import pytest

from cdp.rules import decode, matches
from cdp_web.segments.preview import MAX_COUNTED_NODES, segment_preview
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.selectors import member_page_get
from cdp_web.segments.services import segment_create
from cdp_web.serving.snapshot_query import snapshot_open
from tests.cdp_web.factories import DAY, buyer, customer, is_, rule, shop

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BOUGHT, QUIET = is_("total_purchase", "ge", 1), is_("lifecycle", "in", ["lapsed", "at risk"])
RULES = {
    "all": rule(BOUGHT, QUIET),
    "any": rule(BOUGHT, QUIET, join="any"),
    "not": rule({"not": BOUGHT}),
    "missing": rule(is_("last_order", "is_not_set")),
    "not of missing": rule({"not": is_("avg_purchase_value", "lt", "100.00")}),
    "nested": rule({"any": [{"all": [BOUGHT, QUIET]}, {"not": {"any": [QUIET, is_("views", "gt", 50)]}}]}),
    "days": rule(is_("last_seen", "in_last_days", 30), is_("first_seen", "more_than_days_ago", 60)),
    "money": rule(is_("total_purchase_value", "between", ["100.00", "500.00"])),
    "everyone": rule(BOUGHT, {"not": BOUGHT}, join="any"),
    "nobody": rule(BOUGHT, {"not": BOUGHT}),
}


@pytest.mark.parametrize("document", RULES.values(), ids=RULES.keys())
def test_preview_run_list_and_interpreter_agree(publish: Any, document: dict[str, Any]) -> None:
    people = shop(120)
    publication = publish(people)
    expected = sorted(row["customer_id"] for row in people if matches(decode(document), row, DAY))
    preview = segment_preview(snapshot_open(publication), decode(document))
    run = segment_run_now(segment=segment_create(name="Any", rule=document), publication=publication)
    listed = [row["customer_id"] for page in range(1, 6) for row in member_page_get(run, page).rows]
    assert (preview.count, preview.total, run.count, run.total) == (len(expected), 120, len(expected), 120)
    assert listed == expected
    assert preview.sql == run.sql
    assert {row["customer_id"] for row in preview.sample} <= set(expected)
    assert len(preview.sample) == min(10, len(expected))


def test_every_condition_and_group_is_counted_on_its_own(publish: Any) -> None:
    publication = publish([buyer("1"), buyer("2", lifecycle="lapsed"), customer("3", lifecycle="lapsed")])
    preview = segment_preview(snapshot_open(publication), decode(rule(BOUGHT, {"not": QUIET})))
    counts = {node.path: node.count for node in preview.nodes}
    assert counts == {"rule": 1, "rule.all[0]": 2, "rule.all[1]": 1, "rule.all[1].not": 2}


def test_a_rule_of_many_parts_is_counted_as_a_whole(publish: Any) -> None:
    publication = publish([buyer("1")])
    preview = segment_preview(snapshot_open(publication), decode(rule(*[BOUGHT] * MAX_COUNTED_NODES)))
    assert (preview.count, preview.nodes) == (1, [])


def test_sample_is_the_same_each_time(publish: Any) -> None:
    publication = publish(shop(300))
    first, second = (segment_preview(snapshot_open(publication), decode(RULES["everyone"])).sample for _ in range(2))
    assert first == second


def test_segments_with_the_same_rule_are_listed(publish: Any) -> None:
    publication = publish([buyer("1")])
    segment = segment_create(name="Quiet buyers", rule=rule(BOUGHT, QUIET))
    same = decode(rule(QUIET, {"not": {"not": BOUGHT}}))
    assert segment_preview(snapshot_open(publication), same).same_as == [segment]
    assert segment_preview(snapshot_open(publication), same, but_not=segment.pk).same_as == []
