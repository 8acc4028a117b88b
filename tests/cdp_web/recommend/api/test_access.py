"""The limit of requests, and the number of places that are counted, without a server."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from cdp.settings import load
from cdp_web.recommend.api import access
from cdp_web.recommend.api.access import RateLimited
from cdp_web.recommend.api.latency import MOST_PLACES, OTHER_PLACE, Answered, LatencyLog


def test_an_address_has_so_many_requests_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(access.time, "monotonic", lambda: clock[0])
    inner = Starlette(routes=[Route(path, lambda _: PlainTextResponse("ok")) for path in ("/v1/x", "/health")])
    app = RateLimited(inner, 3)
    one, two = (TestClient(app, client=(address, 1)) for address in ("10.0.0.1", "10.0.0.2"))
    assert [one.get("/v1/x").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert two.get("/v1/x").status_code == 200
    assert one.get("/health").status_code == 200
    clock[0] += 0.4
    assert [one.get("/v1/x").status_code for _ in range(2)] == [200, 429]
    clock[0] += 60
    answers = [one.get("/v1/x") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["detail"].startswith("One address may send 3 requests a second")


def test_places_are_bounded() -> None:
    """Callers name them, and each one is a row a minute."""
    log = LatencyLog(load({}))
    for number in range(MOST_PLACES + 7):
        log.note(Answered(f"place-{number}", "popular", False), 0.002, 200)
    places = [place for _, place, _ in log.counts]
    assert (len(set(places)), OTHER_PLACE in places) == (MOST_PLACES + 1, True)
    assert sum(sum(counts.buckets) for counts in log.counts.values()) == MOST_PLACES + 7
