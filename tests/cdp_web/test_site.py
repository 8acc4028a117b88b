"""What holds for the site as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cdp_web.celery import SCHEDULE, app

needs_database = [pytest.mark.stack("postgres"), pytest.mark.django_db]


def views(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from views(entry)
        else:
            yield entry


def test_only_health_and_login_are_open_to_strangers() -> None:
    """The API asks for its own login, and so do the pages of the administration."""
    ours = [p for p in views(get_resolver()) if p.callback.__module__.startswith("cdp_web") and "/api/" not in str(p.callback)]
    open_to_all = {p.name for p in ours if not getattr(p.callback, "login_required", True)}
    api = {p.name for p in ours if p.callback.__module__.startswith("cdp_web.api")}
    assert open_to_all - api == {"health", "login"}


def test_every_scheduled_task_is_one_that_the_worker_knows() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)


def test_tasks_of_pages_go_to_our_broker() -> None:
    """A shared task belongs to whichever Celery app is loaded; it must be ours in every Django process."""
    from cdp_web.segments.tasks import run_execute

    assert run_execute.app.main == "cdp_web"


class TestWithDatabase:
    pytestmark = needs_database

    def test_migrations_say_what_the_models_say(self) -> None:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)

    @pytest.mark.parametrize("page", ["/accounts/login", "/health", "/nowhere"])
    def test_every_answer_carries_the_strict_headers(self, client: Client, page: str) -> None:
        answer = client.get(page)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"

    def test_unknown_address_is_a_page_of_ours(self, client: Client) -> None:
        answer = client.get("/nowhere")
        assert answer.status_code == 404
        assert "There is no page at this address." in answer.content.decode()

    def test_another_host_name_is_refused(self, client: Client) -> None:
        assert client.get("/accounts/login", headers={"host": "evil.example"}).status_code == 400
