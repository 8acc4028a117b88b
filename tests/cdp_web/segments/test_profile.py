"""What is typical of the members, and their list."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.http import QueryDict
from django.test import Client

from cdp_web.segments.member_list import member_list_get, parse_member_query
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.profile import profile_get
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import buyer, customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
PEOPLE = [
    buyer("1", orders=3, value="100.00", favourite_brand_by_views="apple", sessions=6),
    buyer("2", orders=1, value="50.00", favourite_brand_by_views="apple", sessions=2),
    *(customer(str(number), favourite_brand_by_views="lg", sessions=1, avg_purchase_value=None) for number in range(3, 9)),
]


@pytest.fixture
def run(publish: Any) -> SegmentRun:
    cache.clear()
    segment = segment_create(name="Buyers", rule=rule(is_("total_purchase", "ge", 1)))
    return segment_run_now(segment=segment, publication=publish(PEOPLE))


def test_members_beside_everyone(run: SegmentRun) -> None:
    profile = profile_get(run)
    assert (profile.count, profile.total, profile.revenue, profile.revenue_share) == (2, 8, Decimal("350.00"), 1.0)
    averages = {each.metric.key: (each.members, each.everyone) for each in profile.comparisons}
    assert averages["sessions"] == (Decimal(4), Decimal("1.75"))
    assert averages["avg_purchase_value"] == (Decimal(75), Decimal(75))
    (brand,) = profile.mixes["favourite_brand_by_views"]
    assert (brand.value, brand.members, brand.everyone, brand.ratio) == ("apple", 2, 2, 4.0)
    assert [share.value for share in profile.typical] == ["apple"]


def test_nobody_has_a_profile_without_averages(publish: Any) -> None:
    segment = segment_create(name="Nobody", rule=rule(is_("views", "gt", 500)))
    profile = profile_get(segment_run_now(segment=segment, publication=publish(PEOPLE)))
    assert (profile.count, profile.revenue, profile.comparisons[0].members, profile.typical) == (0, Decimal(0), None, [])


def test_the_bars_lead_to_the_members_with_the_value(run: SegmentRun, site: Client) -> None:
    charts = {chart.key: chart for chart in site.get(f"/segments/{run.segment_id}").context["charts"]}
    (link,) = charts["favourite_brand_by_views"].links
    document = json.loads(parse_qs(urlsplit(link).query)["rule"][0])
    segment, brand = document["rule"]["all"]
    assert (segment, brand) == ({"segment": {"id": run.segment_id}}, is_("favourite_brand_by_views", "eq", "apple"))
    assert charts["favourite_brand_by_views"].rows == [("apple", 2, 1.0, 0.25, 4.0)]


def list_ids(run: SegmentRun, address: str) -> tuple[list[str], str]:
    page = member_list_get(run, parse_member_query(QueryDict(address), run))
    return [row["customer_id"] for row in page.rows], page.next_link.removeprefix("?")


@pytest.fixture
def everyone(publish: Any) -> SegmentRun:
    segment = segment_create(name="Everyone", rule=rule(is_("views", "ge", 0)))
    return segment_run_now(segment=segment, publication=publish(PEOPLE))


@pytest.mark.parametrize(
    "sort", ["customer_id", "-customer_id", "sessions", "-sessions", "avg_purchase_value", "-favourite_brand_by_views"]
)
def test_pages_by_key_reach_every_member_once(everyone: SegmentRun, monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    whole, _ = list_ids(everyone, f"sort={sort}")
    assert sorted(whole) == [person["customer_id"] for person in PEOPLE]
    monkeypatch.setattr("cdp_web.segments.member_list.PAGE_SIZE", 3)
    address, pages = f"sort={sort}", []
    while address:
        ids, address = list_ids(everyone, address)
        pages.append(ids)
    assert [len(page) for page in pages] == [3, 3, 2]
    assert [key for page in pages for key in page] == whole


def test_sort_search_and_columns(everyone: SegmentRun) -> None:
    assert list_ids(everyone, "sort=-sessions")[0][:3] == ["1", "2", "3"]
    assert list_ids(everyone, "q=7")[0] == ["7"]
    query = parse_member_query(QueryDict("columns=views&columns=refunds"), everyone)
    assert [metric.key for metric in query.columns] == ["refunds", "views"]


def test_a_large_segment_is_sorted_by_id_only(everyone: SegmentRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdp_web.segments.member_list.MAX_SORTED", 2)
    assert parse_member_query(QueryDict(""), everyone).sort == "customer_id"
    with pytest.raises(ValueError, match="sorted by id"):
        parse_member_query(QueryDict("sort=views"), everyone)


@pytest.mark.parametrize("address", ["sort=rule", "columns=rule", "after=x", "after=[1]", "after=[1,2]"])
def test_wrong_addresses(everyone: SegmentRun, site: Client, address: str) -> None:
    segment = Segment.objects.get()
    assert site.get(f"/segments/{segment.pk}/members?{address}").status_code == 400
