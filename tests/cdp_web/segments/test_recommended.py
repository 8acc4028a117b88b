"""Segments of what customers get recommended: one answer in preview, run, list and explanation, from the newest publication."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cdp.rules import decode
from cdp_web.segments.explain_customer import explain_customer
from cdp_web.segments.keyset import member_ids_get_after
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.preview import Preview, segment_preview
from cdp_web.segments.references import references_load
from cdp_web.segments.refresh import recommendations_refresh
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from cdp_web.serving import recommendations
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.snapshot_query import snapshot_open
from tests.cdp_web.factories import buyer, customer, is_, rule, shop_names

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

PHONE, HEADPHONE, TEA = "electronics.smartphone", "electronics.audio.headphone", "home.tea"
PEOPLE = [buyer("1"), buyer("2"), customer("3"), customer("4")]
LISTS = {
    "1": [("p1", PHONE), ("p2", HEADPHONE), ("p3", HEADPHONE)],
    "2": [("p4", TEA), ("p1", PHONE)],
    "3": [("p9", None)],
    "gone": [("p1", PHONE)],
}


def recommended(what: str, *values: str, places: int = 10) -> dict[str, Any]:
    return {"recommended": {"what": what, "values": list(values), "places": places}}


def read_preview(publication: Any, document: Any) -> Preview:
    parsed = decode(document)
    return segment_preview(snapshot_open(publication), parsed, references_load(parsed))


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (recommended("product", "p1"), ["1", "2"]),
        (recommended("product", "p1", places=1), ["1"]),
        (recommended("category", "electronics"), ["1", "2"]),
        (recommended("category", "electronics.audio", TEA), ["1", "2"]),
        (recommended("top_category", HEADPHONE), ["1"]),
        (recommended("top_category", "electronics", places=1), ["1"]),
        ({"not": recommended("product", "p1")}, ["3", "4"]),
    ],
)
def test_preview_run_list_and_explanation_agree(publish: Any, recommend: Any, leaf: Any, expected: list[str]) -> None:
    publication = publish(PEOPLE)
    recommend(LISTS)
    document = rule(leaf)
    preview = read_preview(publication, document)
    run = segment_run_now(segment=segment_create(name="Any", rule=document), publication=publication)
    assert (preview.count, preview.notice) == (len(expected), "")
    assert member_ids_get_after(run, "", 10) == expected
    assert run.references["recommendations"] == {"lists-1": 1}
    parsed = decode(document)
    for person in PEOPLE:
        explained = explain_customer(snapshot_open(publication), parsed, references_load(parsed), person["customer_id"])
        assert explained is not None
        assert explained.holds == (person["customer_id"] in expected)


def test_an_explanation_names_the_place_and_the_category(publish: Any, recommend: Any) -> None:
    snapshot = snapshot_open(publish(PEOPLE))
    recommend(LISTS)
    shop_names(
        products={"p3": "Ear 3"}, categories={"electronics": "Electronics", "electronics.audio": "Audio", HEADPHONE: "Phones"}
    )
    parsed = decode(
        rule(recommended("product", "p3", places=2), recommended("product", "p4"), recommended("top_category", TEA), join="any")
    )
    explained = explain_customer(snapshot, parsed, references_load(parsed), "1")
    assert explained is not None
    assert [node.actual for node in explained.nodes[1:]] == ["place 3", "not recommended", "Electronics › Audio › Phones"]
    assert explained.nodes[1].sentence == 'gets "Ear 3" (p3) recommended in the first 2 places'
    assert explained.changes[0].says == 'must match: gets "Ear 3" (p3) recommended in the first 2 places'


def test_without_recommendations_nobody_matches_and_the_preview_says_why(publish: Any) -> None:
    publication = publish(PEOPLE)
    preview = read_preview(publication, rule(recommended("product", "p1")))
    assert (preview.count, preview.total) == (0, 4)
    assert preview.notice.startswith("There are no recommendations yet")
    assert read_preview(publication, rule({"not": recommended("product", "p1")})).count == 4
    assert read_preview(publication, rule(is_("views", "ge", 1))).notice == ""


def test_new_recommendations_are_read_without_a_new_snapshot(publish: Any, recommend: Any) -> None:
    publication, document = publish(PEOPLE), rule(recommended("product", "p1"))
    recommend(LISTS)
    snapshot = Path(snapshot_open(publication).path)
    before = snapshot.stat().st_mtime_ns
    assert read_preview(publication, document).count == 2
    recommend({"4": [("p1", None)]}, 2, published_at=datetime(2019, 12, 2, tzinfo=UTC))
    assert [row["customer_id"] for row in read_preview(publication, document).sample] == ["4"]
    assert snapshot.stat().st_mtime_ns == before


def test_a_publication_refreshes_the_segments_that_read_it_once(publish: Any, recommend: Any) -> None:
    publication = publish(PEOPLE)
    reads = segment_create(name="Phones", rule=rule(recommended("category", PHONE)))
    through = segment_create(name="Through", rule=rule({"segment": {"id": reads.pk}}))
    other = segment_create(name="Other", rule=rule(is_("views", "ge", 1)))
    for segment in (reads, through, other):
        segment_run_now(segment=segment, publication=publication)
    assert recommendations_refresh() == []
    SegmentRun.objects.update(status=SegmentRun.Status.DONE, requested_at=timezone.now() - timedelta(hours=1))
    recommend(LISTS, published_at=timezone.now() - timedelta(minutes=1))
    assert [run.segment_id for run in recommendations_refresh()] == [reads.pk, through.pk]
    assert recommendations_refresh() == []


def test_lists_that_hdfs_lacks_are_an_error_not_an_empty_answer(publish: Any, recommend: Any, monkeypatch: Any) -> None:
    publication = publish(PEOPLE)
    recommend(LISTS)

    def fail(version: int) -> Any:
        raise SnapshotUnavailable(f"version {version} is gone")

    monkeypatch.setattr(recommendations, "open_recommendations", fail)
    with pytest.raises(SnapshotUnavailable, match="version 1 is gone"):
        read_preview(publication, rule(recommended("product", "p1")))


def test_products_and_categories_are_suggested(site: Client, publish: Any, recommend: Any) -> None:
    publish(PEOPLE)

    def suggest(field: str, text: str) -> list[tuple[str, str, int]]:
        answer = site.get("/api/v1/catalogue/values", {"field": field, "q": text}).json()
        return [(each["value"], each["name"], each["customers"]) for each in answer["values"]]

    assert suggest("recommended_product", "") == []
    recommend(LISTS)
    shop_names(products={"p1": "Phone 1"})
    assert suggest("recommended_product", "phone") == [("p1", "Phone 1", 2)]
    assert suggest("recommended_category", "electr") == [
        ("electronics", "", 2), (PHONE, "", 2), ("electronics.audio", "", 1), (HEADPHONE, "", 1),
    ]  # fmt: skip
