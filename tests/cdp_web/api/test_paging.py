"""Pages by key: of segments, runs and members."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from cdp_web.api.paging import cut_page
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.runs import segment_run_execute, segment_run_now
from cdp_web.segments.services import segment_archive, segment_create
from cdp_web.serving.publications import publication_get_serving
from tests.cdp_web.factories import buyer, customer, is_, rule

BUYERS = rule(is_("total_purchase", "ge", 1))
needs_database = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.mark.parametrize(
    ("entries", "page", "last"), [([], [], None), ([1], [1], None), ([1, 2], [1, 2], None), ([1, 2, 3], [1, 2], 2)]
)
def test_cut_page(entries: list[int], page: list[int], last: int | None) -> None:
    assert cut_page(entries, 2) == (page, last)


def read_all(api: APIClient, address: str, key: str, limit: int) -> list[list[Any]]:
    """Every page, by `next` until there is none."""
    pages, after = [], None
    while True:
        answer = api.get(address, {"limit": limit} | ({} if after is None else {"after": after})).json()
        pages.append(answer[key])
        after = answer["next"]
        if after is None:
            return pages


def make_segments(count: int) -> list[int]:
    return [segment_create(name=f"Segment {number}", rule=BUYERS).pk for number in range(count)]


class TestCustomers:
    pytestmark = needs_database

    @pytest.mark.parametrize("sort", ["", "-last_order", "customer_id"])
    def test_pages_hold_each_customer_once(self, api: APIClient, publish: Any, sort: str) -> None:
        publish([customer(str(each)) for each in range(3)] + [buyer(str(each)) for each in range(3, 5)])
        address = f"/api/v1/customers?sort={sort}"
        pages = read_all(api, address, "customers", 2)
        assert [len(page) for page in pages] == [2, 2, 1]
        assert sorted(row["customer_id"] for page in pages for row in page) == ["0", "1", "2", "3", "4"]


class TestSegments:
    pytestmark = needs_database

    def test_pages_hold_each_segment_once(self, api: APIClient) -> None:
        ids = make_segments(5)
        pages = read_all(api, "/api/v1/segments", "segments", 2)
        assert [[each["id"] for each in page] for page in pages] == [ids[:2], ids[2:4], ids[4:]]

    def test_full_last_page_has_no_next(self, api: APIClient) -> None:
        make_segments(2)
        assert len(read_all(api, "/api/v1/segments", "segments", 2)) == 1

    def test_changes_between_pages_move_nothing(self, api: APIClient) -> None:
        ids = make_segments(4)
        first = api.get("/api/v1/segments?limit=2").json()
        Segment.objects.filter(pk=ids[3]).update(name="A renamed segment")
        segment_archive(segment=Segment.objects.get(pk=ids[1]))
        second = api.get("/api/v1/segments", {"limit": 2, "after": first["next"]}).json()
        assert [each["id"] for each in second["segments"]] == ids[2:]

    def test_archived(self, api: APIClient) -> None:
        ids = make_segments(3)
        segment_archive(segment=Segment.objects.get(pk=ids[1]))
        for archived, expected in (("true", [ids[1]]), ("1", [ids[1]]), ("false", [ids[0], ids[2]])):
            answer = api.get(f"/api/v1/segments?archived={archived}").json()
            assert [each["id"] for each in answer["segments"]] == expected


class TestRuns:
    pytestmark = needs_database

    def test_pages_from_the_newest(self, api: APIClient, publish: Any) -> None:
        publish([buyer("1")])
        segment = segment_create(name="Buyers", rule=BUYERS)
        ids = [segment_run_now(segment=segment, publication=publication_get_serving()).pk for _ in range(4)]
        ids = sorted([*ids, segment.runs.last().pk], reverse=True)
        pages = read_all(api, f"/api/v1/segments/{segment.pk}/runs", "runs", 2)
        assert [[each["id"] for each in page] for page in pages] == [ids[:2], ids[2:4], ids[4:]]


class TestMembers:
    pytestmark = needs_database
    #: In the order of bytes, with characters that an address must escape.
    IDS = ("1", "10", "2", "A b&c", "a", "é", "用户")

    def make_segment(self, publish: Any) -> Segment:
        publish([*map(buyer, self.IDS), customer("0")])
        segment = segment_create(name="Buyers", rule=BUYERS)
        segment_run_execute(run_id=segment.runs.get().pk)
        return segment

    @pytest.mark.parametrize("limit", [1, 3, 7, 100])
    def test_pages_hold_each_member_once(self, api: APIClient, publish: Any, limit: int) -> None:
        address = f"/api/v1/segments/{self.make_segment(publish).pk}/members"
        pages = read_all(api, address, "members", limit)
        assert [row["customer_id"] for page in pages for row in page] == list(self.IDS)
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)

    def test_pages_of_a_run_agree_while_a_newer_one_ends(self, api: APIClient, publish: Any) -> None:
        segment = self.make_segment(publish)
        address = f"/api/v1/segments/{segment.pk}/members"
        first = api.get(f"{address}?limit=4").json()
        publication = publish([buyer("1"), buyer("z")], publication_id=2)
        newer = segment_run_now(segment=segment, publication=publication)
        second = api.get(address, {"after": first["next"], "run": first["run"]["id"]}).json()
        rows = [row["customer_id"] for row in (*first["members"], *second["members"])]
        assert (rows, second["run"]["id"]) == (list(self.IDS), first["run"]["id"])
        latest = api.get(address).json()
        assert (latest["run"]["id"], [row["customer_id"] for row in latest["members"]]) == (newer.pk, ["1", "z"])

    def test_only_complete_runs_of_the_segment_have_members(self, api: APIClient, publish: Any) -> None:
        segment = self.make_segment(publish)
        other = segment_create(name="Others", rule=rule(is_("total_purchase", "eq", 0)))
        failed = segment_run_now(segment=segment, publication=publication_get_serving())
        SegmentRun.objects.filter(pk=failed.pk).update(status=SegmentRun.Status.FAILED)
        for run_id in (other.runs.get().pk, failed.pk, 10**9):
            assert api.get(f"/api/v1/segments/{segment.pk}/members?run={run_id}").status_code == 404
        assert api.get(f"/api/v1/segments/{other.pk}/members").status_code == 404
