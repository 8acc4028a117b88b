from __future__ import annotations

import json
import time
from typing import Any

import pytest
from rest_framework.test import APIClient

from cdp_web.api import lists as lists_api
from cdp_web.segments.models import CustomerList
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import customer, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
LISTS = "/api/v1/lists"


def make_list(api: APIClient, *ids: str, name: str = "Guests") -> str:
    """The address of a new list."""
    answer = api.post(LISTS, {"name": name, "ids": ids}, format="json")
    assert answer.status_code == 201
    return f"{LISTS}/{answer.json()['id']}"


def read_members(api: APIClient, address: str) -> list[str]:
    members: list[str] = api.get(f"{address}/members").json()["members"]
    return members


def test_a_list_as_json(api: APIClient, publish: Any) -> None:
    publish([customer("1")])
    answer = api.post(LISTS, {"name": "Guests", "ids": ["2", "1", 1, ""]}, format="json")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["version"], body["count"], body["owner"], body["used_by"]) == ("Guests", 1, 2, "alice", [])
    numbers = {key: body["report"][key] for key in ("rows", "ids", "repeated", "refused", "matched", "unknown", "unknown_ids")}
    assert numbers == {"rows": 4, "ids": 2, "repeated": 1, "refused": 1, "matched": 1, "unknown": 1, "unknown_ids": ["2"]}
    assert api.get(f"{LISTS}/{body['id']}").json() == body


@pytest.mark.parametrize(
    ("content", "kind", "column"),
    [
        ("\ufeffname,customer_id\nAnn,1\nBob,2\n", "text/csv", "customer_id"),
        ("guest,name\n1,Ann\n2,Bob\n", "text/csv; charset=utf-8", "guest"),
        ("1\n2\n", "text/plain", ""),
    ],
)
def test_a_list_as_text(api: APIClient, content: str, kind: str, column: str) -> None:
    answer = api.post(f"{LISTS}?name=Guests", content.encode(), content_type=kind)
    assert answer.status_code == 201
    assert answer.json()["report"]["column"] == column
    assert read_members(api, f"{LISTS}/{answer.json()['id']}") == ["1", "2"]


def test_replace_append_remove_and_delete(api: APIClient) -> None:
    address = make_list(api, "1", "2")
    assert api.put(address, {"ids": ["2", "3"]}, format="json").json()["version"] == 2
    assert read_members(api, address) == ["2", "3"]
    assert api.patch(address, b"4\n", content_type="text/csv").json()["count"] == 3
    assert read_members(api, address) == ["2", "3", "4"]
    assert api.delete(f"{address}/members", {"ids": ["3"]}, format="json").json()["count"] == 2
    assert read_members(api, address) == ["2", "4"]
    assert api.delete(address).status_code == 204
    assert not CustomerList.objects.exists()


def test_a_list_in_use_is_not_deleted(api: APIClient) -> None:
    address = make_list(api, "1")
    segment = segment_create(name="Invited ones", rule=rule({"list": {"id": CustomerList.objects.get().pk}}))
    answer = api.delete(address)
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert answer.json()["used_by"] == api.get(address).json()["used_by"] == [{"id": segment.pk, "name": "Invited ones"}]


def test_members_are_paged_by_key(api: APIClient) -> None:
    address = make_list(api, "b", "a", "d", "c/é", "e")
    pages, after = [], ""
    while after is not None:
        page = api.get(f"{address}/members", {"after": after, "limit": 2}).json()
        pages.append(page["members"])
        after = page["next"]
    assert pages == [["a", "b"], ["c/é", "d"], ["e"]]
    for wrong in ({"limit": 0}, {"limit": "many"}, {"limit": 10_001}, {"after": "a\0"}):
        assert api.get(f"{address}/members", wrong).status_code == 400


def test_lists_are_paged_by_key(api: APIClient) -> None:
    for name in "ABC":
        make_list(api, "1", name=name)
    first = api.get(f"{LISTS}?limit=2").json()
    assert [each["name"] for each in first["lists"]] == ["A", "B"]
    last = api.get(f"{LISTS}?limit=2&after={first['next']}").json()
    assert ([each["name"] for each in last["lists"]], last["next"]) == (["C"], None)
    assert api.get(f"{LISTS}?after={2**63}").status_code == 400


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "Guests"}, "invalid"), ({"ids": ["2"]}, "invalid"), ({"name": "Guests", "ids": "2"}, "invalid"),
        (["2"], "invalid"),
        ({"name": "New", "ids": []}, "upload_invalid"), ({"name": "New", "ids": ["1", None]}, "upload_invalid"),
        ({"name": "New", "ids": ["\ud800"]}, "upload_invalid"), ({"name": "guests", "ids": ["2"]}, "invalid"),
    ],
)  # fmt: skip
def test_wrong_bodies(api: APIClient, body: Any, code: str) -> None:
    make_list(api, "1")
    answer = api.post(LISTS, json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json().get("code")) == (400, code)
    assert CustomerList.objects.count() == 1


def test_errors_name_the_line(api: APIClient) -> None:
    address = make_list(api, "1")
    for send in (api.put, api.patch):
        answer = send(address, b"2\n\xff\n", content_type="text/csv")
        assert (answer.status_code, answer.json()["code"], answer.json()["line"]) == (400, "upload_invalid", 2)
    assert read_members(api, address) == ["1"]


def test_the_largest_list_in_seconds_and_one_id_more_is_refused(api: APIClient) -> None:
    ids = [f"{number:036}" for number in range(100_000)]
    started = time.monotonic()
    address = make_list(api, *ids)
    assert time.monotonic() - started < 5
    answer = api.put(address, {"ids": [*ids, "one more"]}, format="json")
    assert (answer.status_code, answer.json()["code"], answer.json()["count"]) == (400, "too_many_ids", 100_001)
    answer = api.patch(address, b"one more", content_type="text/plain")
    assert (answer.status_code, answer.json()["count"], answer.json()["limit"]) == (400, 100_001, 100_000)


@pytest.mark.parametrize("kind", ["text/csv", "text/plain", "application/json"])
def test_a_body_over_the_limit_is_refused(api: APIClient, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(lists_api, "MAX_BYTES", 100)
    answer = api.post(f"{LISTS}?name=Large", b"1" * 101, content_type=kind)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_other_kinds_of_bodies_are_refused(api: APIClient) -> None:
    assert api.post(LISTS, b"1", content_type="application/xml").status_code == 415
    assert api.post(LISTS, "[" * 100_000, content_type="application/json").status_code == 400
    assert api.post(LISTS, b"", content_type="text/csv").status_code == 400


def test_an_unknown_list_is_not_found(api: APIClient) -> None:
    for address in (f"{LISTS}/99", f"{LISTS}/99/members"):
        assert api.get(address).status_code == 404
        assert api.delete(address).status_code == 404
