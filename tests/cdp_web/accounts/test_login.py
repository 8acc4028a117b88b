from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from cdp.settings import current
from cdp_web.accounts.management.commands import ensure_admin

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

PAGES = ("/", "/customers/", "/customers/512000001", "/segments/", "/segments/new", "/segments/1", "/accounts/", "/api/docs")


@pytest.mark.parametrize("page", PAGES)
def test_stranger_is_sent_to_the_login(client: Client, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login?next={page}"


def test_login_leads_to_the_requested_page(client: Client, marketer: User) -> None:
    form = {"username": "alice", "password": "alice-password", "next": "/segments/"}
    answer = client.post("/accounts/login", form)
    assert (answer.status_code, answer["Location"]) == (302, "/segments/")


def test_a_wrong_password_is_reported_and_the_name_kept(client: Client, marketer: User) -> None:
    page = client.post("/accounts/login", {"username": "alice", "password": "wrong"}).content.decode()
    assert "enter a correct username and password" in page
    assert 'value="alice"' in page


def test_login_does_not_lead_to_another_site(client: Client, marketer: User) -> None:
    form = {"username": "alice", "password": "alice-password", "next": "https://elsewhere.example/"}
    assert client.post("/accounts/login", form)["Location"] == "/"


def test_logout_needs_a_post(site: Client) -> None:
    assert site.get("/accounts/logout").status_code == 405
    assert site.post("/accounts/logout").status_code == 302
    assert site.get("/accounts/").status_code == 302


def test_ensure_admin_creates_the_user_once_and_keeps_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(current(), admin_user="chief", admin_password="first")
    monkeypatch.setattr(ensure_admin, "current", lambda: settings)
    call_command("ensure_admin")
    monkeypatch.setattr(ensure_admin, "current", lambda: replace(settings, admin_password="second"))
    call_command("ensure_admin")
    chief = User.objects.get(username="chief")
    assert chief.is_superuser
    assert chief.check_password("first")


def test_ensure_admin_without_a_password_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensure_admin, "current", lambda: replace(current(), admin_password=""))
    with pytest.raises(CommandError, match="CDP_ADMIN_PASSWORD"):
        call_command("ensure_admin")
