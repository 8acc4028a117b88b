"""What members get recommended: the file for tools, and the pages of the API."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.test import Client

from cdp_web.segments.export import recommendations
from cdp_web.segments.models import Membership, SegmentRun
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import buyer, customer, is_, rule, shop_names

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

TEA, CUP = "home.tea", "home.cups"
LISTS = {
    "1": [("p1", TEA), ("p2", CUP), ("p3", CUP)],
    "3": [("p2", CUP)],
    "4": [("=1+1", TEA)],
}
NAMED = {"products": {"p1": "Green tea", "p2": "Cup, white"}, "categories": {TEA: "Tea", "home": "Home"}}


@pytest.fixture
def run(publish: Any, recommend: Any) -> SegmentRun:
    """The members 1, 2 and 4; 2 has no recommendations."""
    publication = publish([buyer("1"), buyer("2"), customer("3"), buyer("4")])
    recommend(LISTS)
    shop_names(**NAMED)  # type: ignore[arg-type]
    return segment_run_now(
        segment=segment_create(name="Buyers", rule=rule(is_("total_purchase", "ge", 1))), publication=publication
    )


def read_csv(site: Client, run: SegmentRun, **parameters: Any) -> list[dict[str, str]]:
    answer = site.get(f"/segments/{run.segment_id}/export/recommendations", parameters)
    assert answer.status_code == 200
    assert answer["X-Export-Rows"] == "3"
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]


def test_a_row_per_member_has_the_first_products_with_names(site: Client, run: SegmentRun) -> None:
    rows = read_csv(site, run, products=2)
    assert [row["customer_id"] for row in rows] == ["1", "2", "4"]
    assert rows[0] == {
        "customer_id": "1", "top_category": TEA, "top_category_name": "Home › Tea",
        "product_1": "p1", "product_1_name": "Green tea", "category_1": TEA, "category_1_name": "Home › Tea",
        "product_2": "p2", "product_2_name": "Cup, white", "category_2": CUP, "category_2_name": "",
    }  # fmt: skip
    assert set(rows[1].values()) == {"2", ""}
    assert rows[2]["product_1"] == "'=1+1", "a spreadsheet runs no formula"


def test_the_top_category_is_that_of_the_exported_places(site: Client, run: SegmentRun) -> None:
    assert [read_csv(site, run, products=count)[0]["top_category"] for count in (1, 3)] == [TEA, CUP]


def test_parquet_and_hashed_ids_have_the_same_rows(site: Client, run: SegmentRun) -> None:
    answer = site.get(f"/segments/{run.segment_id}/export/recommendations", {"format": "parquet", "ids": "sha256"})
    table = pq.read_table(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert table["customer_id"].to_pylist() == [hashlib.sha256(each.encode()).hexdigest() for each in ("1", "2", "4")]
    assert table["product_1"].to_pylist() == ["p1", None, "=1+1"]
    assert len(table.column_names) == 3 + 4 * recommendations.PRODUCTS


def test_a_file_with_members_missing_ends_with_an_error(site: Client, run: SegmentRun) -> None:
    Membership.objects.filter(customer_id="2").delete()
    answer = site.get(f"/segments/{run.segment_id}/export/recommendations")
    with pytest.raises(recommendations.ExportBroken, match="3 members, but 2 were read"):
        b"".join(answer.streaming_content)  # type: ignore[attr-defined]


@pytest.mark.parametrize("parameters", [{"products": "0"}, {"products": "21"}, {"format": "xls"}, {"ids": "md5"}])
def test_a_wrong_parameter_is_named(site: Client, run: SegmentRun, parameters: dict[str, str]) -> None:
    for address in (f"/segments/{run.segment_id}/export", f"/api/v1/segments/{run.segment_id}/export"):
        answer = site.get(f"{address}/recommendations", parameters)
        assert answer.status_code == 400
        assert f"{next(iter(parameters))} must be" in answer.content.decode().lower()


def test_the_api_pages_through_members_and_through_all_customers(site: Client, run: SegmentRun) -> None:
    def read_pages(address: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = ""
        while after is not None:
            page = site.get(address, {"limit": 2, "after": after, "places": 2}).json()
            assert (page["publication"], page["day"]) == ("lists-1", "2019-11-30")
            found, after = found + page["customers"], page["next"]
        return found

    members = read_pages(f"/api/v1/segments/{run.segment_id}/recommendations")
    assert [each["customer_id"] for each in members] == ["1", "2", "4"]
    assert members[0]["top_category"] == TEA
    assert members[0]["products"] == [
        {"place": 1, "product_id": "p1", "name": "Green tea", "category": TEA, "category_name": "Home › Tea"},
        {"place": 2, "product_id": "p2", "name": "Cup, white", "category": CUP, "category_name": ""},
    ]
    assert members[1] == {"customer_id": "2", "top_category": None, "products": []}
    everyone = read_pages("/api/v1/recommendations")
    assert [(each["customer_id"], len(each["products"])) for each in everyone] == [("1", 2), ("2", 0), ("3", 1), ("4", 1)]


def test_before_the_first_publication_page_and_api_say_so(site: Client, publish: Any) -> None:
    publication = publish([buyer("1")])
    segment = segment_create(name="Buyers", rule=rule(is_("total_purchase", "ge", 1)))
    segment_run_now(segment=segment, publication=publication)
    assert "There are no recommendations yet" in site.get(f"/segments/{segment.pk}/export").content.decode()
    for address in ("/api/v1/recommendations", f"/api/v1/segments/{segment.pk}/recommendations"):
        answer = site.get(address)
        assert (answer.status_code, answer.json()["code"]) == (503, "no_recommendations")
