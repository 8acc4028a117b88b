"""What tests of the site need: a database made by Django's migrations, a publication to read, someone who is logged in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from cdp.settings import current
from cdp_web.publications.selectors import Publication
from cdp_web.snapshot import source, store
from tests.cdp_web import factories

Publish = Callable[..., Publication]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(test_stack: Any) -> None:
    """The server must be up, and its password known, before pytest-django makes its database there."""
    test_stack.require(("postgres",))
    current.cache_clear()
    django_settings.DATABASES["default"]["PASSWORD"] = current().postgres_password


@pytest.fixture(scope="session", autouse=True)
def never_started(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A stack that was never started has neither a key nor collected static files."""
    django_settings.SECRET_KEY = "for tests"
    django_settings.STATIC_ROOT = tmp_path_factory.mktemp("static")


@pytest.fixture(autouse=True)
def quick_and_plain(settings: Settings) -> None:
    """Static files without a collection of them, and passwords that cost nothing."""
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def publish(db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Publish:
    """Publishes customers as the night does, into Postgres and where the snapshot is read from."""
    published: dict[int, list[dict[str, Any]]] = {}
    monkeypatch.setattr(store, "get_folder", lambda: tmp_path / "snapshots")
    monkeypatch.setattr(source, "open_customers", lambda publication: factories.arrow(published[publication.id]))
    factories.mart()
    cache.clear()

    def publish(rows: list[dict[str, Any]], publication_id: int = 1, **changes: Any) -> Publication:
        published[publication_id] = rows
        return factories.publication(publication_id, **({"customers": len(rows)} | changes))

    return publish


@pytest.fixture
def marketer(db: None) -> User:
    return User.objects.create_user("alice", password="alice-password")


@pytest.fixture
def site(marketer: User) -> Client:
    """A browser that is logged in."""
    client = Client()
    client.force_login(marketer)
    return client
