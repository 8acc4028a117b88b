"""Rates: 429 with the time to wait; a Redis that is away throttles nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework.test import APIClient

from cdp.settings import current
from cdp_web.accounts.roles import Role
from tests.cdp_web.api.test_errors import validate
from tests.cdp_web.factories import buyer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
BODY = {"rule": rule(is_("total_purchase", "ge", 1))}
AMPLE = {"user": "1000/min", "burst": "1000/s", "preview": "1000/min"}


@pytest.fixture(autouse=True)
def empty_throttle() -> Iterator[None]:
    caches["throttle"].clear()
    yield
    caches["throttle"].clear()


@pytest.mark.parametrize("scope", ["user", "burst"])
def test_too_many_requests(api: APIClient, settings: Settings, scope: str) -> None:
    settings.API_RATES = AMPLE | {scope: "3/h"}
    assert [api.get("/api/v1/segments").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = api.get("/api/v1/segments")
    assert answer.json()["code"] == "throttled"
    assert 3500 < int(answer["Retry-After"]) <= 3600
    validate(answer, "segment_list")


def test_previews_have_a_rate_of_their_own(api: APIClient, publish: Any, settings: Settings) -> None:
    publish([buyer("1")])
    settings.API_RATES = AMPLE | {"preview": "2/h"}
    statuses = [api.post("/api/v1/segments/preview", BODY, format="json").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert api.get("/api/v1/segments").status_code == 200


def test_users_are_counted_apart(api: APIClient, api_as: Callable[[Role], APIClient], settings: Settings) -> None:
    settings.API_RATES = AMPLE | {"user": "1/h"}
    other = api_as(Role.VIEWER)
    assert [client.get("/api/v1/segments").status_code for client in (api, api, other, other)] == [200, 429, 200, 429]


def test_without_redis_nobody_is_throttled(api: APIClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_RATES = AMPLE | {"user": "1/h"}

    def fail(*arguments: object) -> None:
        raise RedisConnectionError("connection refused")

    monkeypatch.setattr(type(caches["throttle"]), "get", fail)
    assert [api.get("/api/v1/segments").status_code for _ in range(3)] == [200, 200, 200]


def test_rates_come_from_the_settings() -> None:
    rates = (current().api_rate, current().api_burst_rate, current().api_preview_rate)
    assert tuple(django_settings.API_RATES[scope] for scope in ("user", "burst", "preview")) == rates


@pytest.mark.stack("postgres", "redis")
def test_rates_hold_for_all_workers_together(api: APIClient, settings: Settings) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = settings.CACHES | {"throttle": {"BACKEND": backend, "LOCATION": current().redis_url, "KEY_PREFIX": "tests"}}
    settings.API_RATES = AMPLE | {"user": "2/h"}
    caches["throttle"].clear()
    assert [api.get("/api/v1/segments").status_code for _ in range(2)] == [200, 200]
    del caches["throttle"]  # the next request opens a new connection, as another worker does
    assert api.get("/api/v1/segments").status_code == 429
    caches["throttle"].clear()
