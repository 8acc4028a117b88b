"""The account page: profile, password, tokens, sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from cdp_web.accounts import sessions
from cdp_web.accounts.models import ApiToken
from cdp_web.accounts.roles import Role, describe_rights
from cdp_web.accounts.services import user_set_role
from cdp_web.accounts.tokens import MAX_TOKENS, token_create
from tests.cdp_web.accounts.routes import ROUTES

needs_database = [pytest.mark.stack("postgres"), pytest.mark.django_db]


def test_a_later_role_has_more_rights() -> None:
    counts = [len(describe_rights(role)) for role in (None, *Role)]
    assert counts == sorted(set(counts))


def use_token(text: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    status: int = client.get("/api/v1/segments").status_code
    return status


class TestTokens:
    pytestmark = needs_database

    def test_a_token_is_shown_once_and_stored_as_a_hash(self, site: Client, marketer: User) -> None:
        answer = site.post("/accounts/tokens", {"name": "Nightly export", "days": 30})
        text = answer.context["token_text"]
        assert (answer.status_code, answer["Cache-Control"].count("no-store")) == (201, 1)
        assert text in answer.content.decode()
        assert text not in site.get("/accounts/").content.decode()
        token = ApiToken.objects.get(user=marketer)
        assert text not in (token.digest, token.token_key)
        assert timedelta(days=29) < token.expiry - timezone.now() <= timedelta(days=30)
        assert use_token(text) == 200

    @pytest.mark.parametrize("form", [{"name": "", "days": 30}, {"name": "x" * 81, "days": 30}, {"name": "x", "days": 31}, {}])
    def test_a_wrong_form_makes_no_token(self, site: Client, form: dict[str, object]) -> None:
        assert site.post("/accounts/tokens", form).status_code == 400
        assert not ApiToken.objects.exists()

    def test_a_user_has_a_limited_number(self, site: Client, marketer: User) -> None:
        for number in range(MAX_TOKENS):
            token_create(user=marketer, name=str(number), days=7)
        assert site.post("/accounts/tokens", {"name": "One more", "days": 30}).status_code == 400

    def test_an_expired_token_is_refused(self, marketer: User) -> None:
        token, text = token_create(user=marketer, name="old", days=7)
        ApiToken.objects.filter(pk=token.pk).update(expiry=timezone.now() - timedelta(seconds=1))
        assert use_token(text) == 401

    def test_a_token_has_the_present_role_of_its_user(self, marketer: User) -> None:
        _, text = token_create(user=marketer, name="x", days=7)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {text}")
        assert client.get("/api/v1/webhooks").status_code == 403
        user_set_role(user=marketer, role=Role.ADMIN)
        assert client.get("/api/v1/webhooks").status_code == 200

    def test_only_own_tokens_are_revoked(self, site: Client, marketer: User) -> None:
        other, text = token_create(user=User.objects.create_user("bob"), name="x", days=7)
        own, own_text = token_create(user=marketer, name="y", days=7)
        assert site.post(f"/accounts/tokens/{other.pk}/revoke").status_code == 404
        assert site.post(f"/accounts/tokens/{own.pk}/revoke").status_code == 302
        assert (use_token(text), use_token(own_text)) == (200, 401)

    @pytest.mark.parametrize("text", ["é", "a" * 5000, "cdp_;'", "cdp_123\0", "a b"])
    def test_text_that_is_no_token_is_refused(self, text: str) -> None:
        assert use_token(text) == 401


class TestPage:
    pytestmark = needs_database

    def test_profile(self, site: Client, marketer: User) -> None:
        site.post("/accounts/profile", {"first_name": "Ann", "email": "ann@example.org", "is_superuser": "on"})
        marketer.refresh_from_db()
        assert (marketer.first_name, marketer.email, marketer.is_superuser) == ("Ann", "ann@example.org", False)
        assert site.post("/accounts/profile", {"email": "no address"}).status_code == 400

    def test_a_new_password_ends_the_other_sessions(self, site: Client, marketer: User) -> None:
        other = Client()
        other.force_login(marketer)
        form = {"old_password": "alice-password", "new_password1": "a-new-password-9", "new_password2": "a-new-password-9"}
        assert site.post("/accounts/password", form | {"old_password": "wrong"}).status_code == 200
        assert site.post("/accounts/password", form).status_code == 302
        assert (site.get("/accounts/").status_code, other.get("/accounts/").status_code) == (200, 302)

    def test_log_out_everywhere(self, site: Client, marketer: User) -> None:
        other, bob = Client(), Client()
        other.force_login(marketer)
        bob.force_login(User.objects.create_user("bob"))
        assert site.post("/accounts/logout-everywhere").status_code == 302
        assert [client.get("/accounts/").status_code for client in (site, other, bob)] == [302, 302, 200]


class TestSessions:
    pytestmark = needs_database

    def test_a_session_that_is_used_is_extended_but_not_at_every_request(
        self, site: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = settings.SESSION_COOKIE_NAME
        assert name not in site.get("/accounts/").cookies
        monkeypatch.setattr(sessions, "EXTEND_AFTER", -1)
        assert name not in site.get("/pipeline/live").cookies  # an open page asks for it by itself
        assert site.get("/accounts/").cookies[name]["max-age"] == 12 * 3600

    def test_polled_addresses_exist(self) -> None:
        assert set(sessions.POLLED) <= ROUTES.keys()

    @pytest.mark.parametrize("address", ["/accounts/", "/segments/", "/api/v1/segments", "/api/schema", "/nowhere"])
    def test_pages_are_not_stored_by_browsers(self, site: Client, address: str) -> None:
        assert "no-store" in site.get(address)["Cache-Control"]
