from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from cdp_web.serving.errors import NothingPublished
from cdp_web.serving.publications import publication_get, publication_get_serving
from tests.cdp_web import factories

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

PAGES = ("/", "/customers/", "/customers/1")


def test_the_greatest_id_serves() -> None:
    factories.mart()
    factories.publication(7, date(2019, 11, 2), customers=3)
    factories.publication(6, date(2019, 11, 30))
    serving = publication_get_serving()
    assert (serving.id, serving.day, serving.counts) == (7, date(2019, 11, 2), {"customers": 3})


def test_an_older_publication_can_be_read() -> None:
    factories.mart()
    factories.publication(6, date(2019, 11, 1))
    factories.publication(7, date(2019, 11, 2))
    publication = publication_get(6)
    assert publication
    assert publication.day == date(2019, 11, 1)
    assert publication_get(8) is None


@pytest.mark.parametrize("prepare", [lambda: None, factories.mart], ids=["no schema", "no row"])
def test_before_the_first_night_nothing_serves(prepare: Callable[[], None]) -> None:
    prepare()
    with pytest.raises(NothingPublished):
        publication_get_serving()


@pytest.mark.parametrize("page", PAGES)
def test_before_the_first_night_pages_say_what_to_do(site: Client, page: str) -> None:
    answer = site.get(page)
    assert answer.status_code == 200
    assert "Nothing is published yet" in answer.content.decode()
    assert "./run night" in answer.content.decode()


@pytest.mark.parametrize("page", ["/segments/", "/segments/new", "/accounts/"])
def test_before_the_first_night_the_rest_works(site: Client, page: str) -> None:
    answer = site.get(page)
    assert answer.status_code == 200
    assert "Nothing published" in answer.content.decode()


def test_before_the_first_night_the_api_is_unavailable(marketer: User) -> None:
    client = APIClient()
    client.force_authenticate(marketer)
    answer = client.get("/api/v1/overview")
    assert answer.status_code == 503
    assert answer.json()["code"] == "nothing_published"
