"""Common members of segments, and segments that are nearly the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from cdp_web.segments.models import Segment
from cdp_web.segments.overlap import segment_find_similar
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_archive, segment_create
from cdp_web.serving.publications import Publication
from tests.cdp_web.factories import customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture
def publication(publish: Any) -> Publication:
    published: Publication = publish([customer(f"{n:03}", views=n, carts=n % 2) for n in range(100)])
    return published


def make(publication: Publication, name: str, *conditions: dict[str, Any]) -> Segment:
    segment_run_now(segment=segment_create(name=name, rule=rule(*conditions)), publication=publication)
    return Segment.objects.select_related("current_run").get(name=name)


@pytest.fixture
def three(publication: Publication) -> list[Segment]:
    """0 to 59, 40 to 99, and the odd ones."""
    return [
        make(publication, "Low", is_("views", "lt", 60)),
        make(publication, "High", is_("views", "ge", 40)),
        make(publication, "Odd", is_("carts", "eq", 1)),
    ]


@pytest.fixture
def api(marketer: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(marketer)
    return client


def test_three_segments(api: APIClient, three: list[Segment]) -> None:
    answer = api.get("/api/v1/segments/overlap?ids=" + ",".join(str(each.pk) for each in three)).json()
    assert (answer["sizes"], answer["all"], answer["any"], answer["publications"]) == ([60, 60, 50], 10, 100, [1])
    pairs = [(pair["both"], pair["only_first"], pair["only_second"]) for pair in answer["pairs"]]
    assert pairs == [(20, 40, 40), (30, 30, 20), (30, 30, 20)]
    assert answer["pairs"][0]["jaccard"] == 0.2
    assert (answer["pairs"][1]["first_in_second"], answer["pairs"][1]["second_in_first"]) == (0.5, 0.6)


def test_an_empty_segment_has_no_shares(api: APIClient, publication: Publication) -> None:
    pair = [make(publication, name, is_("views", "gt", 500)).pk for name in ("One", "Two")]
    answer = api.get(f"/api/v1/segments/overlap?ids={pair[0]},{pair[1]}").json()
    assert (answer["sizes"], answer["pairs"][0]["jaccard"]) == ([0, 0], None)


@pytest.mark.parametrize("ids", ["", "1", "x,y", "1,1", "1,2,3,4", "998,999"])
def test_wrong_ids_are_400(api: APIClient, ids: str) -> None:
    assert api.get("/api/v1/segments/overlap", {"ids": ids}).status_code == 400


def test_the_most_similar_segment(publication: Publication, three: list[Segment]) -> None:
    close = make(publication, "Nearly low", is_("views", "lt", 57))
    make(publication, "Less low", is_("views", "lt", 55))
    similar = segment_find_similar(three[0])
    assert similar is not None
    assert (similar.segment, similar.jaccard) == (close, 57 / 60)
    assert segment_find_similar(three[2]) is None
    segment_archive(segment=close)
    assert segment_find_similar(three[0]) is None


def test_pages(site: Client, three: list[Segment], publication: Publication) -> None:
    assert "Choose two or three segments" in site.get("/segments/overlap").content.decode()
    html = site.get(f"/segments/overlap?segment={three[0].pk}&segment={three[1].pk}&segment=").content.decode()
    assert "20.0%" in html
    assert site.get(f"/segments/overlap?segment={three[0].pk}&segment={three[0].pk}").status_code == 400
    make(publication, "Nearly low", is_("views", "lt", 57))
    similar = site.get(f"/segments/{three[0].pk}").context["similar"]
    assert (similar.segment.name, similar.jaccard) == ("Nearly low", 0.95)


def test_the_tab_lists_overlaps_best_first(site: Client, three: list[Segment], publication: Publication) -> None:
    make(publication, "None", is_("views", "gt", 500))
    overlaps = site.get(f"/segments/{three[2].pk}/overlaps").context["overlaps"]
    assert [(pair.second.name, pair.both, pair.first_in_second, pair.second_in_first) for pair in overlaps] == [
        ("High", 30, 0.6, 0.5), ("Low", 30, 0.6, 0.5),
    ]  # fmt: skip
