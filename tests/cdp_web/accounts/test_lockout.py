"""Five wrong passwords lock a login from one address for 15 minutes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from cdp_web.accounts.addresses import get_client_address

needs_database = [pytest.mark.stack("postgres"), pytest.mark.django_db]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.1", "192.0.2.9"),
        (1, "", "192.0.2.9"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 192.0.2.5", "198.51.100.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "what", None),
    ],
)
def test_address_of_a_visitor(settings: Settings, proxies: int, forwarded: str, address: str | None) -> None:
    settings.WEB_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.9", HTTP_X_FORWARDED_FOR=forwarded)
    assert get_client_address(request) == address


class TestLock:
    pytestmark = needs_database

    @staticmethod
    def log_in(password: str = "wrong", *, address: str = "192.0.2.1", username: str = "alice", agent: str = "x") -> int:
        client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=agent)
        return int(client.post("/accounts/login", {"username": username, "password": password}).status_code)

    def fail_five_times(self) -> list[int]:
        return [self.log_in(agent=str(number)) for number in range(5)]

    def test_the_sixth_try_is_refused_even_with_the_right_password(self, marketer: User) -> None:
        assert self.fail_five_times() == [200, 200, 200, 200, 429]
        assert self.log_in("alice-password") == 429
        assert self.log_in("alice-password", address="192.0.2.2") == 302
        assert self.log_in(username="bob") == 200

    def test_the_page_says_when_to_try_again(self, marketer: User) -> None:
        self.fail_five_times()
        answer = Client(REMOTE_ADDR="192.0.2.1").post("/accounts/login", {"username": "alice", "password": "alice-password"})
        end: datetime = answer.context["locked_until"]
        assert timedelta(minutes=14) < end - timezone.now() <= timedelta(minutes=15)
        assert 840 < int(answer["Retry-After"]) <= 900

    def test_the_lock_ends_and_tries_do_not_extend_it(self, marketer: User) -> None:
        self.fail_five_times()
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=50))
        assert self.log_in() == 429
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
        assert self.log_in("alice-password") == 302

    def test_a_success_forgets_the_failures(self, marketer: User) -> None:
        for _ in range(2):
            assert [self.log_in() for _ in range(4)] == [200] * 4
            assert self.log_in("alice-password") == 302

    def test_an_administrator_unlocks(self, marketer: User) -> None:
        self.fail_five_times()
        chief = Client()
        chief.force_login(User.objects.create_superuser("chief"))
        attempts = list(AccessAttempt.objects.values_list("pk", flat=True))
        answer = chief.post("/admin/axes/accessattempt/", {"action": "unlock", "_selected_action": attempts})
        assert answer.status_code == 302
        assert self.log_in("alice-password") == 302

    def test_passwords_are_not_stored(self, marketer: User) -> None:
        self.log_in("my-secret-typo")
        assert "my-secret-typo" not in str(AccessAttempt.objects.values().get())
