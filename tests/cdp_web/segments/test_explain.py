"""The explanation of a customer agrees with the members, leaf by leaf, and pages and the API show it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from cdp.rules import All, Not, decode, walk
from cdp.rules import Any as AnyOf
from cdp.rules.truth import TruthTable
from cdp_web.segments.evaluate import evaluation_open
from cdp_web.segments.explain_customer import explain_customer, is_member_at
from cdp_web.segments.models import CustomerList, ListMember, Segment
from cdp_web.segments.references import references_load
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open
from tests.cdp_web.factories import DAY, buyer, customer, interaction, is_, rule, shop
from tests.cdp_web.segments.test_preview import LG, RULES, invent_interactions

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

GROUPS = (All, AnyOf, Not)
BUYERS = rule(is_("total_purchase", "ge", 2))
VIEWED = {"behaviour": {"event": "view", "did": True, "window": {"last_days": 10}}}
EXPLAINED = {
    **{name: RULES[name] for name in ("nested", "not of missing", "days", "behaviour", "did not", "sequence", "everyone")},
    "ranks": rule(is_("views", "top", 7), is_("carts", "bottom_percent", "20.00"), is_("last_order", "top", 5), join="any"),
    "references": rule({"segment": {"id": 1}}, {"not": {"list": {"id": 1}}}, VIEWED, join="any"),
    "measures": rule(
        *(
            {"behaviour": {"event": "view", "where": [LG], "measure": measure, "operator": "ge", "value": value}}
            for measure, value in (("products", 1), ("days", 2), ("share_of_events", "50.00"))
        ),
        {"behaviour": {"event": "cart", "measure": "last_day", "operator": "in_last_days", "value": 6}},
    ),
}


@pytest.fixture
def references(db: None) -> dict[str, int]:
    """A segment and a list to refer to; their ids go into the rule."""
    segment = segment_create(name="Buyers", rule=BUYERS)
    uploaded = CustomerList.objects.create(name="Staff")
    ListMember.objects.bulk_create(ListMember(list=uploaded, customer_id=str(512_000_000 + n * 37)) for n in range(0, 60, 2))
    return {"segment": segment.pk, "list": uploaded.pk}


def insert_ids(node: Any, ids: dict[str, int]) -> Any:
    if isinstance(node, list):
        return [insert_ids(each, ids) for each in node]
    if isinstance(node, dict):
        return {key: {"id": ids[key]} if key in ids else insert_ids(value, ids) for key, value in node.items()}
    return node


def read_truth(snapshot: Snapshot, document: Any) -> dict[str, dict[str, bool]]:
    """Customer -> path of a leaf -> whether it holds, by SQL; the path "rule" is membership."""
    parsed = decode(document)
    with evaluation_open(snapshot, parsed, references_load(parsed), seconds=10) as evaluation:
        truth = TruthTable(parsed, evaluation.source)
        evaluation.session.execute(truth.create())
        columns = truth.leaf_columns()
        rows = evaluation.session.read_rows(f"SELECT * FROM {truth.name}")
        members = {row[0] for chunk in evaluation.session.read_chunks(truth.select_ids(truth.is_member())) for row in chunk}
    paths = [(node.path, columns[node.rule]) for node in _walk_leaves(parsed)]
    return {
        row["customer_id"]: {"rule": row["customer_id"] in members, **{path: row[name] for path, name in paths}} for row in rows
    }


def _walk_leaves(parsed: Any) -> list[Any]:
    return [node for node in walk(parsed) if not isinstance(node.rule, GROUPS)]


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_customer_and_leaf_agrees_with_the_members(publish: Any, references: dict[str, int], name: str) -> None:
    people = shop(60)
    document = insert_ids(EXPLAINED[name], references)
    snapshot = snapshot_open(publish(people, interactions=invent_interactions(people)))
    run = segment_run_now(segment=segment_create(name="Any", rule=document), publication=snapshot.publication)
    truth, parsed = read_truth(snapshot, document), decode(document)
    loaded = references_load(parsed)
    for row in people:
        explanation = explain_customer(snapshot, parsed, loaded, row["customer_id"])
        assert explanation is not None
        answers = {node.path: node.holds for node in explanation.nodes if node.is_leaf or node.path == "rule"}
        assert answers == truth[row["customer_id"]]
        assert is_member_at(run, row["customer_id"]) == explanation.holds
        assert bool(explanation.changes) == (not explanation.holds)


@pytest.fixture
def publication(publish: Any) -> Publication:
    published: Publication = publish(
        [buyer("1", orders=3), buyer("2"), customer("a/ b"), buyer("4", lifecycle="lapsed")],
        interactions=[interaction("1", days_ago=4), interaction("2", "purchase", days_ago=9)],
    )
    return published


@pytest.fixture
def segment(publication: Publication) -> Segment:
    return segment_create(name="Buyers", rule=rule(is_("total_purchase", "ge", 2), VIEWED))


@pytest.fixture
def api(marketer: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(marketer)
    return client


def read_answer(api: APIClient, segment: Segment, customer_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = api.get(f"/api/v1/segments/{segment.pk}/explain/{customer_id}").json()
    return answer


def test_api_of_a_member(api: APIClient, segment: Segment, publication: Publication) -> None:
    segment_run_now(segment=segment, publication=publication)
    answer = read_answer(api, segment, "1")
    assert (answer["holds"], answer["is_member"], answer["changes"]) == (True, True, [])
    assert [(node["path"], node["value"], node["holds"]) for node in answer["nodes"]] == [
        ("rule", None, True),
        ("rule.all[0]", 3, True),
        ("rule.all[1]", 1, True),
    ]
    assert answer["leaving"] == {"day": str(DAY + timedelta(days=6)), "unknown": []}


def test_api_of_others(api: APIClient, segment: Segment) -> None:
    answer = read_answer(api, segment, "2")
    assert (answer["holds"], answer["is_member"], answer["leaving"]) == (False, None, None)
    assert [change["path"] for change in answer["changes"]] == ["rule.all[0]", "rule.all[1]"]
    assert answer["changes"][0]["says"] == "orders must rise from 1 to 2"
    assert read_answer(api, segment, "a/ b")["customer_id"] == "a/ b"


def test_metrics_without_a_forecast_are_named(api: APIClient, publication: Publication) -> None:
    segment = segment_create(name="Recent", rule=rule(is_("orders_30d", "ge", 1), is_("lifecycle", "eq", "new")))
    assert read_answer(api, segment, "1")["leaving"] == {"day": None, "unknown": ["orders_30d", "lifecycle"]}


def test_unknown_customer_and_segment_are_404(api: APIClient, site: Client, segment: Segment) -> None:
    answer = api.get(f"/api/v1/segments/{segment.pk}/explain/nobody")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no customer nobody in publication 1.")
    assert api.get("/api/v1/segments/999/explain/1").status_code == 404
    page = site.get(f"/segments/{segment.pk}/explain", {"customer": "nobody"})
    assert page.status_code == 404
    assert "“nobody”" in page.context["error"]


def test_page_shows_the_tree(site: Client, segment: Segment, publication: Publication) -> None:
    segment_run_now(segment=segment, publication=publication)
    assert "Choose a customer" in site.get(f"/segments/{segment.pk}/explain").content.decode()
    html = site.get(f"/segments/{segment.pk}/explain", {"customer": "1"}).content.decode()
    assert html.count("✓ yes") == 3
    html = site.get(f"/segments/{segment.pk}/explain", {"customer": "2"}).content.decode()
    assert (html.count("✓ yes"), html.count("✗ no")) == (0, 3)
    assert "Orders must rise from 1 to 2" in html
    members = site.get(f"/segments/{segment.pk}/members").content.decode()
    assert f'href="/segments/{segment.pk}/explain?customer=1"' in members


def test_page_says_if_the_last_run_differs(site: Client, segment: Segment, publication: Publication, publish: Any) -> None:
    segment_run_now(segment=segment, publication=publication)
    publish([buyer("1")], 2)
    html = site.get(f"/segments/{segment.pk}/explain", {"customer": "1"}).content.decode()
    assert "does not match the rule" in html
    assert "The last complete run" in html
