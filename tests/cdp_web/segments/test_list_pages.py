from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cdp_web.segments.list_selectors import ids_get
from cdp_web.segments.lists import list_create
from cdp_web.segments.models import CustomerList
from cdp_web.segments.services import segment_create
from cdp_web.segments.uploads import read_items
from tests.cdp_web.factories import customer, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.fixture
def guests(marketer: User) -> CustomerList:
    return list_create(name="Guests", upload=read_items(["1", "2", "=x"]), owner=marketer)


def read_page(site: Client, address: str) -> str:
    answer = site.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def file(content: bytes, name: str = "guests.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_lists_with_their_numbers_and_segments(publish: Any, site: Client) -> None:
    assert "No lists yet" in read_page(site, "/segments/lists")
    publish([customer("1")])
    guests = list_create(name="Guests", upload=read_items(["1", "2", "3"]))
    segment = segment_create(name="Invited ones", rule=rule({"list": {"id": guests.pk}}))
    html = read_page(site, "/segments/lists")
    for text in (f'href="/segments/lists/{guests.pk}"', '<td class="number">3</td>', f'href="/segments/{segment.pk}"'):
        assert text in html
    assert 'href="/segments/lists"' in read_page(site, "/segments/")


@pytest.mark.parametrize(
    "form", [{"file": file(b"name,customer_id\nAnn,1\nBob,2\n")}, {"ids": "1\r\n2"}, {"file": file(b"1,2", "ids.txt")}]
)
def test_upload_makes_a_list(site: Client, marketer: User, form: dict[str, Any]) -> None:
    for each in form.values():
        if not isinstance(each, str):
            each.seek(0)
    answer = site.post("/segments/lists/new", {"name": "Guests"} | form)
    created = CustomerList.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/segments/lists/{created.pk}")
    assert (created.name, created.owner, ids_get(created.pk, limit=9)) == ("Guests", marketer, ["1", "2"])


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "", "ids": "1"}, "name"),
        ({"name": "guests", "ids": "1"}, "name"),
        ({"name": "New"}, "ids"),
        ({"name": "New", "ids": "1", "file": file(b"1")}, "ids"),
        ({"name": "New", "ids": " \n"}, "ids"),
        ({"name": "New", "ids": '1\n"2'}, "ids"),
        ({"name": "New", "ids": "\n".join(map(str, range(100_001)))}, "ids"),
    ],
)
def test_problems_come_back_with_what_was_typed(site: Client, guests: CustomerList, form: dict[str, Any], field: str) -> None:
    answer = site.post("/segments/lists/new", form)
    assert answer.status_code == 400
    draft = answer.context["draft"]
    assert (list(draft.errors), draft.name, draft.ids) == ([field], form["name"], form.get("ids", ""))
    assert CustomerList.objects.count() == 1


def test_a_list_with_its_report(publish: Any, site: Client) -> None:
    publish([customer("1")])
    guests = list_create(name="Guests", upload=read_items(["1", "<b>", "x" * 501]))
    html = read_page(site, f"/segments/lists/{guests.pk}")
    for text in ("&lt;b&gt;", "is longer than 500 characters", "of publication #1", "No segment uses this list"):
        assert text in html


@pytest.mark.parametrize(("change", "ids"), [("replace", ["2", "3"]), ("append", ["1", "2", "3", "=x"]), ("remove", ["1", "=x"])])
def test_each_change(site: Client, guests: CustomerList, change: str, ids: list[str]) -> None:
    answer = site.post(f"/segments/lists/{guests.pk}/change", {"change": change, "ids": "2\n3"})
    assert answer.status_code == 302
    assert ids_get(guests.pk, limit=9) == ids


@pytest.mark.parametrize(("change", "field"), [("", "change"), ("drop", "change"), ("append", "ids")])
def test_a_change_with_a_problem_keeps_the_list(site: Client, guests: CustomerList, change: str, field: str) -> None:
    answer = site.post(f"/segments/lists/{guests.pk}/change", {"change": change, "ids": "2" if change != "append" else ""})
    assert answer.status_code == 400
    assert list(answer.context["draft"].errors) == [field]
    assert CustomerList.objects.get().version == 1


def test_a_download_can_be_uploaded_again(site: Client, guests: CustomerList) -> None:
    answer = site.get(f"/segments/lists/{guests.pk}/ids.csv")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert content == b"customer_id\r\n1\r\n2\r\n'=x\r\n"
    site.post("/segments/lists/new", {"name": "Copy", "file": file(content)})
    assert ids_get(CustomerList.objects.get(name="Copy").pk, limit=9) == ["1", "2", "=x"]


def test_delete(site: Client, guests: CustomerList) -> None:
    segment = segment_create(name="Invited ones", rule=rule({"list": {"id": guests.pk}}))
    answer = site.post(f"/segments/lists/{guests.pk}/delete", follow=True)
    assert "Guests is used by Invited ones" in answer.content.decode()
    segment.delete()
    assert site.post(f"/segments/lists/{guests.pk}/delete")["Location"] == "/segments/lists"
    assert not CustomerList.objects.exists()


@pytest.mark.parametrize("tail", ["", "/ids.csv", "/change", "/delete"])
def test_an_unknown_list_is_not_found(site: Client, tail: str) -> None:
    answer = site.post(f"/segments/lists/99{tail}") if tail in ("/change", "/delete") else site.get(f"/segments/lists/99{tail}")
    assert answer.status_code == 404


@pytest.mark.parametrize("action", ["change", "delete"])
def test_changes_need_a_post(site: Client, guests: CustomerList, action: str) -> None:
    assert site.get(f"/segments/lists/{guests.pk}/{action}").status_code == 405


def test_the_builder_offers_lists_and_suggestions(publish: Any, site: Client, guests: CustomerList) -> None:
    publish([])
    html = read_page(site, "/segments/new")
    data = json.loads(html.split('<script id="builder-data" type="application/json">')[1].split("</script>")[0])
    assert data["lists"] == [{"id": guests.pk, "name": "Guests", "count": 3}]
    assert (data["values"], data["upload"]) == ("/api/v1/catalogue/values", "/segments/lists/new")
