"""Fixtures for tests of the site: a database from Django's migrations, a publication to read, a logged-in user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache, caches
from django.test import Client
from pytest_django import Settings

from cdp.settings import current
from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.segments import lease
from cdp_web.serving import recommendations, snapshot_store
from cdp_web.serving.publications import Publication
from tests.cdp_web import factories

Publish = Callable[..., Publication]
#: Customer -> the product and category of each place.
Lists = Mapping[str, Sequence[tuple[str, str | None]]]
Recommend = Callable[..., None]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(test_stack: Any) -> None:
    """Start the server and read its password before pytest-django creates its database there."""
    test_stack.require(("postgres",))
    current.cache_clear()
    django_settings.DATABASES["default"]["PASSWORD"] = current().postgres_password


@pytest.fixture(scope="session", autouse=True)
def set_missing_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a stack which was never started lacks: a key, Redis and a folder of static files."""
    django_settings.SECRET_KEY = "for tests"
    django_settings.CACHES["throttle"] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "throttle"}
    django_settings.STATIC_ROOT = tmp_path_factory.mktemp("static")


@pytest.fixture(autouse=True)
def simplify_settings(settings: Settings) -> None:
    """Uncollected static files, cheap password hashes and an empty cache."""
    cache.clear()
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def slow_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat has a connection of its own, which does not see the rows of a test's transaction."""
    monkeypatch.setattr(lease, "lease_length", lambda: timedelta(hours=1))


@pytest.fixture
def publish(db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Publish:
    """Publish customers as the night does: into Postgres and the source of the snapshot."""
    rows_by_publication: dict[int, list[dict[str, Any]]] = {}
    interactions_by_publication: dict[int, list[dict[str, Any]]] = {}
    monkeypatch.setattr(snapshot_store, "get_folder", lambda: tmp_path / "snapshots")
    monkeypatch.setattr(
        snapshot_store, "open_customers", lambda publication: factories.arrow(rows_by_publication[publication.id])
    )
    monkeypatch.setattr(
        snapshot_store,
        "open_interactions",
        lambda publication: factories.interactions_arrow(interactions_by_publication[publication.id]),
    )
    factories.mart()
    cache.clear()
    caches["reports"].clear()

    def publish(
        rows: list[dict[str, Any]], publication_id: int = 1, interactions: Sequence[dict[str, Any]] = (), **changes: Any
    ) -> Publication:
        rows_by_publication[publication_id] = rows
        interactions_by_publication[publication_id] = list(interactions)
        return factories.publication(publication_id, **({"customers": len(rows)} | changes))

    return publish


@pytest.fixture
def recommend(db: None, monkeypatch: pytest.MonkeyPatch) -> Recommend:
    """Publish recommendations as batch does: into Postgres and the source of the site's file."""
    lists_by_version: dict[int, Any] = {}
    monkeypatch.setattr(
        recommendations, "open_recommendations", lambda version: factories.recommendations_arrow(lists_by_version[version])
    )
    factories.recommendation_tables()

    def recommend(lists: Lists, version: int = 1, **changes: Any) -> None:
        lists_by_version[version] = lists
        factories.recommendations(version, **changes)

    return recommend


@pytest.fixture
def marketer(db: None) -> User:
    """An analyst."""
    user = User.objects.create_user("alice", password="alice-password")
    user_set_role(user=user, role=Role.ANALYST)
    return user


@pytest.fixture
def site(marketer: User) -> Client:
    """A logged-in client."""
    client = Client()
    client.force_login(marketer)
    return client
