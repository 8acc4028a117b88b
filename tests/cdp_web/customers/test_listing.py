from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cdp_web.customers.listing import PAGE_SIZE, CustomerPage, CustomerQuery, ListingError, customer_page_get, parse_query
from cdp_web.serving import snapshot_store
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open
from tests.cdp_web import factories

ROWS = [
    factories.buyer("30", value="5.00"),
    factories.buyer("100", value="70.00", lifecycle="active"),
    factories.customer("101", views=9),
    factories.customer("2", lifecycle="lapsed"),
]


def open_snapshot(rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Snapshot:
    monkeypatch.setattr(snapshot_store, "get_folder", lambda: folder)
    monkeypatch.setattr(snapshot_store, "open_customers", lambda _: factories.arrow(rows))
    monkeypatch.setattr(snapshot_store, "open_interactions", lambda _: factories.interactions_arrow([]))
    return snapshot_open(Publication(1, factories.DAY, datetime(2019, 12, 1, tzinfo=UTC), 1, 1, "profiles_1", {}))


@pytest.fixture
def snapshot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Snapshot:
    return open_snapshot(ROWS, monkeypatch, tmp_path)


def read_ids(page: CustomerPage) -> list[str]:
    return [row["customer_id"] for row in page.rows]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["100", "30", "101", "2"]),
        ({"q": "10"}, ["100", "101"]),
        ({"q": " 100 "}, ["100"]),
        ({"q": "%"}, []),
        ({"q": "' OR 1=1 --"}, []),
        ({"lifecycle": "lapsed"}, ["2"]),
        ({"sort": "customer_id"}, ["100", "101", "2", "30"]),
        ({"sort": "-customer_id"}, ["30", "2", "101", "100"]),
        ({"sort": "last_order"}, ["100", "30", "101", "2"]),
        ({"sort": "-last_order"}, ["100", "30", "101", "2"]),
        ({"q": "1", "lifecycle": "new"}, ["101"]),
    ],
)
def test_search_filter_and_sort(snapshot: Snapshot, parameters: dict[str, str], expected: list[str]) -> None:
    page = customer_page_get(snapshot, parse_query(parameters))
    assert read_ids(page) == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"sort": "password"}, "sort must be one of"),
        ({"sort": "--customer_id"}, "sort must be one of"),
        ({"lifecycle": "asleep"}, "lifecycle must be one of"),
        ({"page": "0"}, "1 to 200"),
        ({"page": "201"}, "1 to 200"),
        ({"page": "²"}, "1 to 200"),
        ({"page": "x"}, "1 to 200"),
        ({"q": "1" * 101}, "longer than 100"),
    ],
)
def test_invalid_parameters_are_refused(parameters: dict[str, str], says: str) -> None:
    with pytest.raises(ListingError, match=says):
        parse_query(parameters)


def test_pages_hold_every_customer_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = factories.shop(PAGE_SIZE * 2 + 7)
    snapshot = open_snapshot(rows, monkeypatch, tmp_path)
    pages = [customer_page_get(snapshot, CustomerQuery(page=number)) for number in (1, 2, 3)]
    assert [(page.first, page.last) for page in pages] == [(1, 50), (51, 100), (101, 107)]
    assert pages[0].pages == 3
    assert sorted(customer_id for page in pages for customer_id in read_ids(page)) == sorted(row["customer_id"] for row in rows)
