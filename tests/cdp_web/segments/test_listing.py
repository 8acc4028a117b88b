"""The list of segments: search, filters, order, pages and lines of size."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cdp_web.segments import listing
from cdp_web.segments.listing import SegmentQuery, parse_segment_query, segment_page_get
from cdp_web.segments.models import SegmentSize
from cdp_web.segments.selectors import capitalize_sentence
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import DAY, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture
def three(marketer: User) -> None:
    segment_create(name="Buyers", rule=rule(is_("total_purchase", "ge", 1)), tags=["shop"], owner=marketer)
    segment_create(name="Others", rule=rule(is_("total_purchase", "eq", 0)), description="who never bought")
    segment_create(name="Fans", rule=rule(is_("views", "ge", 9), is_("views", "eq", 0), join="any"), tags=["mail", "shop"])


def list_names(**parameters: str) -> list[str]:
    return [row.segment.name for row in segment_page_get(parse_segment_query(parameters)).rows]


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, ["Buyers", "Fans", "Others"]),
        ({"sort": "-name"}, ["Others", "Fans", "Buyers"]),
        ({"q": "BOUGHT never"}, ["Others"]),
        ({"q": "Shop"}, ["Buyers", "Fans"]),
        ({"tag": "mail"}, ["Fans"]),
        ({"tag": "mai"}, []),
        ({"owner": "alice"}, ["Buyers"]),
        ({"archived": "1"}, []),
    ],
)
def test_search_filter_and_order(three: None, parameters: dict[str, str], names: list[str]) -> None:
    assert list_names(**parameters) == names


def test_pages_and_facets(three: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    page = segment_page_get(SegmentQuery(page=2))
    assert (page.first, page.last, page.total, page.pages, page.next_link) == (3, 3, 3, 2, "")
    assert (page.owners, page.tags) == (["alice"], ["mail", "shop"])


def test_the_line_has_one_size_a_day_of_the_newest_version() -> None:
    segment = segment_create(name="Buyers", rule=rule(is_("total_purchase", "ge", 1)))
    for version, days_ago, count in ((1, 40, 1), (1, 2, 5), (1, 0, 6), (2, 0, 9)):
        day = DAY - timedelta(days=days_ago)
        SegmentSize.objects.create(segment=segment, version=version, day=day, count=count, total=10)
    (row,) = segment_page_get(SegmentQuery()).rows
    assert (row.change, len(row.points.split())) == (4, 2)


@pytest.mark.parametrize("parameters", [{"sort": "rule"}, {"page": "0"}, {"page": "x"}])
def test_wrong_addresses(site: Client, parameters: dict[str, str]) -> None:
    assert site.get("/segments/", parameters).status_code == 400


def test_a_search_by_htmx_answers_with_the_table_alone(site: Client, three: None) -> None:
    html = site.get("/segments/", {"q": "fan"}, headers={"HX-Request": "true"}).content.decode()
    assert html.strip().startswith('<section id="results"')


@pytest.mark.parametrize(
    ("text", "result"), [("(orders is 1", "(Orders is 1"), ("orders", "Orders"), ("", ""), ("12 days", "12 Days")]
)
def test_a_sentence_begins_with_a_capital(text: str, result: str) -> None:
    assert capitalize_sentence(text) == result
