"""The panel "Right now" of the customer's page, and the same in the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from cdp.interests import InterestRow, write_interests
from cdp.settings import Settings
from cdp_web.live import interests
from infra.stack.stack import Stack
from tests.cdp_web.api.test_errors import validate

pytestmark = [pytest.mark.stack("postgres", "redis"), pytest.mark.django_db]
CUSTOMER = "right-now/1"
PANEL = f"/customers/{CUSTOMER}?part=now"
API = f"/api/v1/customers/{CUSTOMER}/interests"


@pytest.fixture
def minute(servers: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    """The customer has put one product into the cart and seen another; the present minute."""
    settings: Settings = servers.settings
    monkeypatch.setattr(interests, "current", lambda: settings)
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    things = (("product", "p1", 3, 0), ("product", "<p2>", 1, 10), ("brand", "samsung", 4, 0))
    rows = [InterestRow(CUSTOMER, minute - timedelta(minutes=age), *thing, strength) for *thing, strength, age in things]
    with redis.Redis.from_url(settings.redis_url, decode_responses=True) as client:
        write_interests(client, rows, now, settings.interest_minutes)
        yield minute
        client.delete(f"interests:{CUSTOMER}")


def test_bars_by_kind(publish: Any, site: Client, minute: datetime) -> None:
    answer = site.get(PANEL)
    now, page = answer.context["now"], answer.content.decode()
    bars = {bar.interest.key: bar.share for _, bars in now.groups for bar in bars}
    assert bars == pytest.approx({"p1": 1, "<p2>": 1 / 6, "samsung": 1}, rel=0.1)
    assert [str(title) for title, _ in now.groups] == ["Products", "Brands"]
    assert now.last_minute == minute
    assert "&lt;p2&gt;" in page


def test_programs_read_them(publish: Any, site: Client, minute: datetime) -> None:
    answer = site.get(API)
    assert [(each["kind"], each["key"]) for each in answer.json()] == [
        ("brand", "samsung"),
        ("product", "p1"),
        ("product", "<p2>"),
    ]
    validate(answer, "customer_interests")
    assert site.get("/api/v1/customers/nobody/interests").json() == []


def test_without_redis_the_panel_says_so(publish: Any, site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.Redis(host="127.0.0.1", port=1, decode_responses=True, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(interests, "_open_client", lambda url: away)
    answer = site.get(PANEL)
    assert answer.status_code == 200
    assert "Connection refused" in answer.context["now"].problem
    answer = site.get(API)
    assert (answer.status_code, answer.json()["code"]) == (503, "interests_unavailable")
    validate(answer, "customer_interests")
