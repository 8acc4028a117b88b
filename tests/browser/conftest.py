"""Debian's Chromium against the site, served by this process on a real Postgres and MongoDB; threads replace the workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from pymongo import MongoClient
from pytest_django import Settings

from benchmarks.chromium import find_foreign
from cdp.settings import current
from cdp_web.celery import app
from cdp_web.segments.runs import RUN_EXECUTE
from cdp_web.segments.tasks import run_execute
from cdp_web.serving.publications import Publication
from tests.cdp_web import factories
from tests.cdp_web.fixtures import django_db_modify_db_settings, marketer, publish, recommend, set_missing_settings

__all__ = ["django_db_modify_db_settings", "marketer", "publish", "recommend", "set_missing_settings"]


@pytest.fixture(scope="session", autouse=True)
def collect_static_files(set_missing_settings: None) -> None:
    """The static files, hashed and compressed as in production, where whitenoise looks when the live server starts."""
    call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture(autouse=True)
def use_cheap_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def worker(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run tasks a moment after they are sent, so a page shows them as queued first."""
    timers: list[threading.Timer] = []

    def work(run_id: int) -> None:
        run_execute(run_id)
        connection.close()

    def send_task(name: str, arguments: list[int], **options: Any) -> None:
        if name != RUN_EXECUTE:
            return  # changes of members and sizes of past days are not shown on these pages
        timers.append(threading.Timer(1.0, work, arguments))
        timers[-1].start()

    monkeypatch.setattr(app, "send_task", send_task)
    yield
    for timer in timers:
        timer.join()


@pytest.fixture
def shop(transactional_db: None, publish: Any, worker: None) -> Iterator[Publication]:
    """A published shop of 400 customers with 60 days of numbers, its profiles in MongoDB."""
    rows = factories.shop(400)
    publication: Publication = publish(rows)
    factories.history(60)
    with store_profiles(publication, rows[:20]):
        yield publication


@contextmanager
def store_profiles(publication: Publication, rows: list[dict[str, Any]]) -> Iterator[None]:
    """The profiles of these customers in MongoDB; afterwards neither they nor the schemas of night and streams are there."""
    client: MongoClient[dict[str, Any]] = MongoClient(current().mongo_url)
    with client:
        profiles = client[current().mongo_database][publication.profiles_collection]
        profiles.drop()
        profiles.insert_many([factories.profile(row, events=8) for row in rows])
        yield
        profiles.drop()
    with connection.cursor() as cursor:  # Django does not clear what it did not create
        cursor.execute("DROP SCHEMA IF EXISTS mart, live, shop, recommend CASCADE")


@pytest.fixture
def browser_messages() -> list[str]:
    """Errors and warnings of the browser, and requests to other hosts; empty at the end of every test."""
    return []


@pytest.fixture
def visitor(
    chromium: Browser,
    live_server: Any,
    shop: Publication,
    marketer: User,
    browser_messages: list[str],
    request: pytest.FixtureRequest,
) -> Iterator[BrowserContext]:
    """Alice, logged in, with the screen that the test needs."""
    desk = {"viewport": {"width": 1360, "height": 860}}
    context = chromium.new_context(base_url=live_server.url, **(desk | getattr(request, "param", {})))
    context.set_default_timeout(15_000)
    client = Client()
    client.force_login(marketer)
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    context.on("console", lambda message: record_message(message, browser_messages))
    context.on("weberror", lambda error: browser_messages.append(str(error.error)))
    context.on("request", lambda request: browser_messages.extend(find_foreign([request.url], live_server.url)))
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext, browser_messages: list[str]) -> Iterator[Page]:
    page = visitor.new_page()
    yield page
    page.close()
    assert browser_messages == []


def record_message(message: ConsoleMessage, browser_messages: list[str]) -> None:
    if message.type in ("error", "warning"):
        browser_messages.append(message.text)
