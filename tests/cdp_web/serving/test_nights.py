"""Nights on the site: one line on every page, details on the page of a night, and the same data in the API."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from tests.cdp_web import factories
from tests.cdp_web.factories import check

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

NEXT_DAY = date(2019, 12, 1)
FAILED = [check("money"), check("volume", "failed", "412 events, usual on a Sunday are 5,100")]
ACCEPTED = check("volume", "accepted", "412 events", who="anna", why="the shop was <closed>", at="2019-12-02T05:00:00+00:00")
LINE = "The data run of 1 Dec 2019 stopped at a check. You still see the numbers of 30 Nov 2019."


def read_page(site: Client, page: str) -> str:
    answer = site.get(page)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def served(publish: Any) -> None:
    publish([])
    factories.night_run(1)


def test_before_the_first_night_the_page_says_what_to_do(site: Client) -> None:
    assert "./run night --day" in read_page(site, "/nights/")
    assert site.get("/nights/1").status_code == 404


def test_no_notice_after_a_successful_night(site: Client, served: None) -> None:
    assert "The data run of" not in read_page(site, "/segments/")
    page = read_page(site, "/nights/")
    assert "30 Nov 2019" in page
    assert "1 min 30 s" in page
    assert "Published" in page


def test_every_page_reports_a_stopped_night_until_a_later_one_succeeds(site: Client, served: None) -> None:
    factories.night_run(2, NEXT_DAY, "failed", checks=FAILED, step="gate", reason="volume: 412 events")
    for page in ("/", "/segments/", "/customers/", "/nights/"):
        assert LINE in read_page(site, page), page
    assert LINE not in Client().get("/accounts/login").content.decode()
    factories.night_run(3, NEXT_DAY, "needless")
    assert "stopped at a check" not in read_page(site, "/segments/")


def test_a_stopped_night_shows_its_steps_checks_and_what_to_do(site: Client, served: None) -> None:
    factories.night_run(2, NEXT_DAY, "failed", checks=FAILED, step="gate", reason="volume: 412 events", seconds={"plan": 1.2})
    page = read_page(site, "/nights/2")
    assert "412 events, usual on a Sunday are 5,100." in page
    assert "./run night --day 2019-12-01 --accept volume --why" in page
    assert "It did not finish the step “Check everything”." in page
    csv = site.get("/nights/2?csv=steps").content.decode().splitlines()
    assert csv[1:] == ["Find the days to compute,1.2 s"]


def test_the_page_shows_who_accepted_a_check_and_why(site: Client, served: None) -> None:
    factories.night_run(2, NEXT_DAY, checks=[ACCEPTED])
    page = read_page(site, "/nights/2")
    assert "Accepted by anna, 2 Dec 2019, 05:00 UTC: the shop was &lt;closed&gt;" in page
    assert "What to do" not in page
    assert "failed checks accepted: The number of events is usual" in read_page(site, "/nights/")


def test_a_night_without_its_process_was_cut_off(site: Client, served: None) -> None:
    factories.night_run(2, NEXT_DAY, "running", checks=[], step="customers", ended_at=None, publication=None)
    assert "The data run of 1 Dec 2019 did not finish. You still see" in read_page(site, "/segments/")
    assert "It was cut off in step customers" in read_page(site, "/nights/2")


def test_the_api_returns_the_same(marketer: User, served: None) -> None:
    factories.night_run(2, NEXT_DAY, checks=[ACCEPTED])
    client = APIClient()
    client.force_authenticate(marketer)
    assert [run["state"] for run in client.get("/api/v1/nights").json()] == ["published", "published"]
    assert client.get("/api/v1/nights/2").json()["checks"] == [
        ACCEPTED | {"accepted": ACCEPTED["accepted"] | {"at": "2019-12-02T05:00:00Z"}}
    ]
    assert client.get("/api/v1/nights/3").status_code == 404
