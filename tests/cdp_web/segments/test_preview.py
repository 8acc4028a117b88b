"""Preview = list = result: one query on one snapshot, and the interpreter agrees."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from cdp.rules import Facts, Interaction, Rank, decode, matches
from cdp.settings import current
from cdp_web.segments.evaluate import TooExpensive
from cdp_web.segments.keyset import member_ids_get_after
from cdp_web.segments.preview import Preview, segment_preview
from cdp_web.segments.references import references_load
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from cdp_web.serving.snapshot_query import snapshot_open
from tests.cdp_web.factories import DAY, buyer, customer, interaction, is_, rule, shop

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BOUGHT, QUIET = is_("total_purchase", "ge", 1), is_("lifecycle", "in", ["lapsed", "at risk"])
LG = {"field": "brand", "operator": "eq", "value": "lg"}
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
    "behaviour": rule(
        {"behaviour": {"event": "view", "measure": "events", "operator": "ge", "value": 2, "window": {"last_days": 7}}}
    ),
    "did not": rule(
        {"behaviour": {"event": "cart", "did": False, "where": [{"field": "brand", "operator": "eq", "value": "lg"}]}}
    ),
    "sequence": rule({"sequence": {"first": {"event": "view"}, "then": {"event": "cart"}, "within_days": 3, "same": "brand"}}),
    "rank": rule(is_("views", "top", 7)),
}


def read_preview(publication: Any, document: Any, **options: Any) -> Preview:
    parsed = decode(document)
    return segment_preview(snapshot_open(publication), parsed, references_load(parsed), **options)


def invent_interactions(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    random = Random(5)
    return [
        interaction(
            person["customer_id"],
            random.choice(("view", "view", "cart")),
            random.randint(0, 20),
            brand=random.choice(("lg", "acme")),
        )
        for person in people
        for _ in range(random.randint(0, 5))
    ]


def read_facts(people: list[dict[str, Any]], rows: list[dict[str, Any]], person: dict[str, Any]) -> Facts:
    own = [Interaction(**{key: value for key, value in row.items() if key != "customer_id"}) for row in rows
           if row["customer_id"] == person["customer_id"]]  # fmt: skip
    place = 1 + sum(each["views"] > person["views"] for each in people)
    ties = sum(each["views"] == person["views"] and each["customer_id"] < person["customer_id"] for each in people)
    return Facts(DAY, person, own, rank=lambda field: Rank(place + ties, 0, len(people)))


@pytest.mark.parametrize("document", RULES.values(), ids=RULES.keys())
def test_preview_run_list_and_interpreter_agree(publish: Any, document: dict[str, Any]) -> None:
    people = shop(120)
    rows = invent_interactions(people)
    publication = publish(people, interactions=rows)
    expected = sorted(row["customer_id"] for row in people if matches(decode(document), read_facts(people, rows, row)))
    preview = read_preview(publication, document)
    run = segment_run_now(segment=segment_create(name="Any", rule=document), publication=publication)
    listed = member_ids_get_after(run, "", 1000)
    assert (preview.count, preview.total, run.count, run.total) == (len(expected), 120, len(expected), 120)
    assert listed == expected
    assert preview.sql == run.sql
    assert {row["customer_id"] for row in preview.sample} <= set(expected)
    assert len(preview.sample) == min(10, len(expected))


def test_every_condition_and_group_is_counted_on_its_own(publish: Any) -> None:
    publication = publish([buyer("1"), buyer("2", lifecycle="lapsed"), customer("3", lifecycle="lapsed")])
    preview = read_preview(publication, rule(BOUGHT, {"not": QUIET}))
    counts = {node.path: node.count for node in preview.nodes}
    assert counts == {"rule": 1, "rule.all[0]": 2, "rule.all[1]": 1, "rule.all[1].not": 2}
    in_place = {node.path: node.in_place for node in preview.nodes}
    assert in_place == {"rule": 1, "rule.all[0]": 2, "rule.all[1]": 1, "rule.all[1].not": 1}


def test_near_misses_fail_one_condition(publish: Any) -> None:
    publication = publish([buyer("1"), buyer("2", lifecycle="lapsed"), customer("3", lifecycle="lapsed")])
    preview = read_preview(publication, rule(BOUGHT, {"not": QUIET}))
    assert [(miss.customer["customer_id"], miss.path) for miss in preview.near_misses] == [("2", "rule.all[1].not")]


def test_a_rule_over_the_budget_names_its_most_expensive_condition(publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    publication = publish([buyer("1")], interactions=[interaction("1", days_ago=n) for n in range(50)])
    monkeypatch.setattr("cdp_web.segments.evaluate.current", lambda: replace(current(), segment_max_rows=40))
    with pytest.raises(TooExpensive) as raised:
        read_preview(publication, rule(BOUGHT, {"behaviour": {"event": "view", "did": True}}))
    assert raised.value.path == "rule.all[1].behaviour"


def test_sample_is_the_same_each_time(publish: Any) -> None:
    publication = publish(shop(300))
    first, second = (read_preview(publication, RULES["everyone"]).sample for _ in range(2))
    assert first == second


def test_segments_with_the_same_rule_are_listed(publish: Any) -> None:
    publication = publish([buyer("1")])
    segment = segment_create(name="Quiet buyers", rule=rule(BOUGHT, QUIET))
    same = rule(QUIET, {"not": {"not": BOUGHT}})
    assert read_preview(publication, same).same_as == [segment]
    assert read_preview(publication, same, but_not=segment.pk).same_as == []
