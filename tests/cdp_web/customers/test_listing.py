from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict

from cdp_web.customers.export import export_keys_get, generate_chunks
from cdp_web.customers.keyset import Cursor, Order, parse_cursor
from cdp_web.customers.list_page import build_portions
from cdp_web.customers.listing import PAGE_SIZE, ListingError, build_link, parse_query
from cdp_web.customers.selectors import CustomerPage, customer_page_get
from cdp_web.segments.export.files import generate_lines
from cdp_web.segments.export.rows import build_metrics_schema
from cdp_web.segments.rules import RuleInvalid
from cdp_web.serving import snapshot_store
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import LIST_COLUMNS, Snapshot, snapshot_open
from tests.cdp_web import factories

ROWS = [
    factories.buyer("30", value="5.00"),
    factories.buyer("100", value="70.00", lifecycle="active"),
    factories.customer("101", views=9),
    factories.customer("2", lifecycle="lapsed"),
]
BUYERS = json.dumps(factories.rule(factories.is_("total_purchase", "ge", 1)))


def open_snapshot(rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Snapshot:
    monkeypatch.setattr(snapshot_store, "get_folder", lambda: folder)
    monkeypatch.setattr(snapshot_store, "open_customers", lambda _: factories.arrow(rows))
    monkeypatch.setattr(snapshot_store, "open_interactions", lambda _: factories.interactions_arrow([]))
    return snapshot_open(Publication(1, factories.DAY, datetime(2019, 12, 1, tzinfo=UTC), 1, 1, "profiles_1", {}))


@pytest.fixture
def snapshot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Snapshot:
    return open_snapshot(ROWS, monkeypatch, tmp_path)


def parse(**parameters: str) -> Any:
    dictionary = QueryDict(mutable=True)
    dictionary.update(parameters)
    return parse_query(dictionary)


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
        ({"sort": "customer_id"}, ["100", "101", "2", "30"]),
        ({"sort": "-customer_id"}, ["30", "2", "101", "100"]),
        ({"sort": "last_order"}, ["100", "30", "101", "2"]),
        ({"sort": "-last_order"}, ["100", "30", "101", "2"]),
        ({"rule": BUYERS}, ["100", "30"]),
        ({"rule": BUYERS, "q": "1"}, ["100"]),
    ],
)
def test_search_filter_and_sort(snapshot: Snapshot, parameters: dict[str, str], expected: list[str]) -> None:
    page = customer_page_get(snapshot, parse(**parameters))
    assert read_ids(page) == expected
    assert page.total == len(expected)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"sort": "password"}, "sort must be one of"),
        ({"sort": "--customer_id"}, "sort must be one of"),
        ({"after": "x"}, "first page"),
        ({"after": '["ten","5"]'}, "first page"),
        ({"before": '[1,"5"]', "sort": "last_order"}, "first page"),
        ({"cols": "secret"}, "cols has no metric 'secret'"),
        ({"rule": "{"}, "not a JSON document"),
        ({"rule": "[" * 99_000}, "not a JSON document"),
        ({"q": "1" * 101}, "longer than 100"),
    ],
)
def test_invalid_parameters_are_refused(parameters: dict[str, str], says: str) -> None:
    with pytest.raises(ListingError, match=says):
        parse(**parameters)


def test_an_invalid_rule_names_the_place() -> None:
    with pytest.raises(RuleInvalid) as raised:
        parse(rule=json.dumps(factories.rule(factories.is_("views", "ge"))))
    assert [problem.path for problem in raised.value.problems] == ["rule.all[0].metric.value"]


def test_address_of_a_query_gives_the_same_query() -> None:
    query = parse(q="5", rule=BUYERS, sort="last_order", cols="views,lifecycle")
    assert parse_query(QueryDict(build_link(query)[1:])) == query
    assert build_link(parse()) == "?"


@pytest.mark.parametrize("sort", ["total_purchase_value", "-total_purchase_value", "last_order", "-lifecycle", "-customer_id"])
def test_pages_hold_every_customer_once_in_both_directions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sort: str) -> None:
    """Most customers have no order, so pages begin within equal and within missing values."""
    snapshot = open_snapshot(factories.shop(PAGE_SIZE * 2 + 7), monkeypatch, tmp_path)
    pages = [customer_page_get(snapshot, parse(sort=sort))]
    while following := pages[-1].next:
        pages.append(customer_page_get(snapshot, parse(sort=sort, after=following.encode())))
    assert [(page.first, page.last, page.total) for page in pages] == [(1, 50, 107), (51, 100, 107), (101, 107, 107)]
    whole = customer_page_get(snapshot, parse_query(QueryDict(f"sort={sort}"), limit=200))
    assert [each for page in pages for each in read_ids(page)] == read_ids(whole)
    back = pages[2]
    for expected in (pages[1], pages[0]):
        assert back.previous is not None
        back = customer_page_get(snapshot, parse(sort=sort, before=back.previous.encode()))
        assert (read_ids(back), back.first) == (read_ids(expected), expected.first)
    assert back.previous is None


def test_cursor_is_read_by_the_kind_of_the_column() -> None:
    order = Order("total_purchase_value", True)
    cursor = Cursor(ROWS[0]["total_purchase_value"], "30")
    assert cursor.encode() == '["5.00","30"]'
    assert parse_cursor(cursor.encode(), order) == cursor
    assert parse_cursor('[null,"30"]', order) == Cursor(None, "30")
    assert [parse_cursor(text, order) for text in ('["5.00"]', '[true,"30"]', '["5.00",30]', '["5.00",""]', "7")] == [None] * 5


def test_lifecycles_of_the_list_add_up_and_lead_to_their_customers(snapshot: Snapshot) -> None:
    page = customer_page_get(snapshot, parse(q="", rule=BUYERS))
    portions = build_portions(page)
    assert [(each.lifecycle, each.customers) for each in portions] == [("new", 1), ("active", 1)]
    for portion in portions:
        assert customer_page_get(snapshot, parse_query(QueryDict(portion.link[1:]))).total == portion.customers


def test_export_has_the_order_and_columns_of_the_list_and_no_formulas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [factories.buyer("=1+1", value="5.00"), factories.buyer("b", value="9.00"), factories.customer("c")]
    snapshot = open_snapshot(rows, monkeypatch, tmp_path)
    query = parse(cols="views,total_purchase_value", rule=BUYERS)
    chunks = generate_chunks(snapshot, export_keys_get(snapshot, query), build_metrics_schema(query.columns))
    lines = list(csv.reader(io.StringIO("".join(generate_lines(["customer_id", "views", "total_purchase_value"], chunks)))))
    assert lines[1:] == [["b", "1", "9.00"], ["'=1+1", "1", "5.00"]]


def test_a_longer_export_is_refused(snapshot: Snapshot) -> None:
    assert len(export_keys_get(snapshot, parse(), most=4)) == 4
    with pytest.raises(ListingError, match="at most 3"):
        export_keys_get(snapshot, parse(), most=3)


def test_columns_are_those_of_the_address(snapshot: Snapshot) -> None:
    assert parse().columns == LIST_COLUMNS
    page = customer_page_get(snapshot, parse(cols="views,sessions,views", sort="-views"))
    assert page.rows[0] == {"customer_id": "101", "views": 9, "sessions": 1}
