"""What the audit log contains: who, when, from where, before and after."""

from __future__ import annotations

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.accounts.tokens import token_create
from cdp_web.segments.models import CustomerList
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import buyer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
BUYERS = rule(is_("total_purchase", "ge", 1))
ADDRESS = "203.0.113.7"


@pytest.fixture
def token(marketer: User) -> APIClient:
    client = APIClient(REMOTE_ADDR=ADDRESS)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_create(user=marketer, name='tests', days=7)[1]}")
    LogEntry.objects.all().delete()
    return client


@pytest.fixture
def chief(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("chief", password="secret"))
    return client


def get_last(**conditions: Any) -> LogEntry:
    return LogEntry.objects.filter(**conditions).order_by("-pk")[0]


def describe(entry: LogEntry) -> tuple[str | None, str | None, str]:
    return entry.actor.username if entry.actor else None, entry.remote_addr, entry.object_repr


def test_a_change_by_the_api_names_user_address_and_values(token: APIClient) -> None:
    segment = token.post("/api/v1/segments", {"name": "Buyers", "rule": BUYERS}, format="json").json()
    assert describe(get_last(action=LogEntry.Action.CREATE)) == ("alice", ADDRESS, "Buyers")
    token.put(f"/api/v1/segments/{segment['id']}", {"name": "Shoppers", "rule": BUYERS, "version": 1}, format="json")
    entry = get_last(action=LogEntry.Action.UPDATE)
    assert describe(entry) == ("alice", ADDRESS, "Shoppers")
    assert entry.changes == {"name": ["Buyers", "Shoppers"]}


def test_archive_and_restore_on_the_site(site: Client) -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    for action in ("archive", "restore"):
        site.post(f"/segments/{segment.pk}/{action}")
        entry = get_last(object_id=segment.pk, action=LogEntry.Action.UPDATE)
        assert describe(entry) == ("alice", "127.0.0.1", "Buyers")
        before, after = entry.changes["archived_at"]
        assert (before == "None", after == "None") == ((True, False) if action == "archive" else (False, True))


def test_uploads_and_webhooks(token: APIClient, marketer: User) -> None:
    token.post("/api/v1/lists", {"name": "Guests", "ids": ["1", "2"]}, format="json")
    entry = get_last(content_type__model="customerlist")
    assert (describe(entry), entry.changes["count"]) == (("alice", ADDRESS, "Guests"), ["0", "2"])
    user_set_role(user=marketer, role=Role.ADMIN)
    token.post("/api/v1/webhooks", {"name": "CRM", "url": "https://8.8.8.8/x"}, format="json")
    entry = get_last(content_type__model="webhook")
    assert describe(entry) == ("alice", ADDRESS, "CRM")
    assert "secret" not in entry.changes


def test_exports(token: APIClient, site: Client, publish: Any) -> None:
    segment = segment_create(name="Buyers", rule=BUYERS)
    segment_run_now(segment=segment, publication=publish([buyer("1")]))
    token.get(f"/api/v1/segments/{segment.pk}/export?ids=sha256")
    entry = get_last(additional_data__event="export")
    assert describe(entry) == ("alice", ADDRESS, "Buyers")
    assert (entry.additional_data["ids"], entry.additional_data["rows"]) == ("sha256", 1)
    guests = CustomerList.objects.create(name="Guests", count=3)
    site.get(f"/segments/lists/{guests.pk}/ids.csv")
    entry = get_last(additional_data__event="export")
    assert (describe(entry), entry.additional_data["rows"]) == (("alice", "127.0.0.1", "Guests"), 3)


def test_logins(client: Client, marketer: User) -> None:
    client.post("/accounts/login", {"username": "alice", "password": "wrong"})
    assert describe(get_last(additional_data__event="failed login"))[1:] == ("127.0.0.1", "alice")
    client.post("/accounts/login", {"username": "a typed password", "password": "wrong"})
    assert get_last(additional_data__event="failed login").object_repr == "unknown user"
    client.post("/accounts/login", {"username": "alice", "password": "alice-password"})
    assert describe(get_last(additional_data__event="login")) == ("alice", "127.0.0.1", "alice")
    client.post("/accounts/logout")
    assert describe(get_last(additional_data__event="logout")) == ("alice", "127.0.0.1", "alice")


def test_roles_and_passwords(chief: Client, marketer: User) -> None:
    chief.post(f"/admin/auth/user/{marketer.pk}/change/", {"username": "alice", "role": "viewer", "is_active": "on"})
    entry = get_last(additional_data__event="role change")
    assert (describe(entry), entry.changes) == (("chief", "127.0.0.1", "alice"), {"role": ["analyst", "viewer"]})
    form = {"password1": "another-long-password", "password2": "another-long-password", "usable_password": "true"}
    chief.post(f"/admin/auth/user/{marketer.pk}/password/", form)
    assert get_last(object_id=marketer.pk, changes__has_key="password").changes["password"] == ["•••", "•••"]


def test_tokens(site: Client) -> None:
    site.post("/accounts/tokens", {"name": "Export", "days": 30})
    entry = get_last(content_type__model="apitoken")
    assert describe(entry) == ("alice", "127.0.0.1", "Export")
    assert entry.changes.keys() == {"name", "user", "expiry"}


def test_nothing_is_recorded_by_reading(site: Client) -> None:
    segment_create(name="Buyers", rule=BUYERS)
    count = LogEntry.objects.count()
    site.get("/segments/")
    assert LogEntry.objects.count() == count


class TestPages:
    def test_list_is_searched_by_person_object_and_event(self, chief: Client, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        site.post(f"/segments/{segment.pk}/archive")
        for query, count in (("q=alice", 4), ("q=Buyers", 2), ("q=nobody", 0), ("event=login", 2), ("event=0", 3)):
            page = chief.get(f"/admin/auditlog/logentry/?{query}")
            assert page.context["cl"].result_count == count, query
        entry = get_last(object_id=segment.pk, action=LogEntry.Action.UPDATE)
        assert "archived_at" in chief.get(f"/admin/auditlog/logentry/{entry.pk}/change/").content.decode()

    def test_entries_are_neither_changed_nor_deleted(self, chief: Client, site: Client) -> None:
        entry = LogEntry.objects.all()[0]
        assert chief.post(f"/admin/auditlog/logentry/{entry.pk}/change/", {"object_repr": "x"}).status_code == 403
        assert chief.post(f"/admin/auditlog/logentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
        selection = {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"}
        chief.post("/admin/auditlog/logentry/", selection)
        assert LogEntry.objects.filter(pk=entry.pk).exists()
