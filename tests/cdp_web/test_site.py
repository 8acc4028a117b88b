"""Rules for the whole site."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cdp.settings import REPOSITORY
from cdp_web.celery import QUEUES, SCHEDULE, app
from cdp_web.segments.runs import RUN_EXECUTE

needs_database = [pytest.mark.stack("postgres"), pytest.mark.django_db]


def views(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from views(entry)
        else:
            yield entry


def test_only_health_and_login_are_open_to_strangers() -> None:
    """The API and the admin have their own login checks."""
    modules = {view: view.callback.__module__ for view in views(get_resolver())}
    pages = [view for view, module in modules.items() if module.startswith("cdp_web.") and not module.startswith("cdp_web.api")]
    assert len(pages) > 10
    assert {view.name for view in pages if not getattr(view.callback, "login_required", True)} == {"health", "login"}


def test_the_worker_knows_every_task_that_is_sent_by_name() -> None:
    app.loader.import_default_modules()
    assert {RUN_EXECUTE, *(entry["task"] for entry in SCHEDULE.values())} <= set(app.tasks)


def test_a_task_goes_to_one_queue_only() -> None:
    """Queues that share an exchange and a key would each receive every task."""
    assert {name: (queue.exchange.name, queue.routing_key) for name, queue in app.amqp.queues.items()} == {
        name: (name, name) for name in QUEUES
    }


ASK_FOR_APP = "import django; django.setup(); from cdp_web.segments.tasks import run_execute; print(run_execute.app.main)"


@pytest.mark.subprocess
def test_tasks_of_pages_go_to_our_broker() -> None:
    """A shared task belongs to the loaded Celery app. That must be our app, even in a Django process that loads nothing else."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "cdp_web.settings"}
    answer = subprocess.run([sys.executable, "-c", ASK_FOR_APP], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert answer.stdout.strip() == "cdp_web", answer.stderr


class TestWithDatabase:
    pytestmark = needs_database

    def test_migrations_match_the_models(self) -> None:
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

    def test_an_unknown_address_has_our_page(self, client: Client) -> None:
        answer = client.get("/nowhere")
        assert answer.status_code == 404
        assert "There is no page at this address." in answer.content.decode()

    def test_another_host_name_is_refused(self, client: Client) -> None:
        assert client.get("/accounts/login", headers={"host": "evil.example"}).status_code == 400
