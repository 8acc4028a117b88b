from __future__ import annotations

import time

import pytest
import redis
from django.db import OperationalError
from django.test import Client

from cdp.settings import current
from cdp_web.serving import faults
from cdp_web.serving.tasks import heartbeat


@pytest.mark.stack("postgres")
@pytest.mark.django_db
def test_health_needs_no_login_and_is_never_cached(client: Client) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_health_says_what_is_wrong_with_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def cursor(self) -> None:
            raise OperationalError("connection refused\nis the server running?")

    monkeypatch.setattr(faults, "connection", Gone())
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "problem": "Postgres does not answer: connection refused"}


@pytest.mark.stack("redis")
def test_heartbeat_stores_the_current_second_and_expires() -> None:
    before = int(time.time())
    heartbeat()
    with redis.Redis.from_url(current().redis_url) as client:
        assert before <= int(client.get("cdp:beat")) <= time.time()
        assert 0 < client.ttl("cdp:beat") <= 120
