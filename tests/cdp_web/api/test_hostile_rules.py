"""Hostile bodies for the preview: each is refused with a clear 400 within a second, and no query is sent to the snapshot."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from rest_framework.test import APIClient

from cdp_web.api import preview
from cdp_web.api.parsers import MAX_BODY_BYTES
from cdp_web.segments.models import Segment
from tests.cdp_web.factories import buyer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

SQL = "1'); DROP TABLE customers; --"


def nest(depth: int) -> str:
    opening, closing = '{"rule": {"version": 1, "rule": ' + '{"not": ' * depth, "}" * depth + "}}"
    return opening + json.dumps(is_("views", "ge", 1)) + closing


def write(*nodes: Any) -> str:
    return json.dumps({"rule": rule(*nodes)})


def behave(**changes: Any) -> dict[str, Any]:
    return {"behaviour": {"event": "purchase", "measure": "events", "operator": "ge", "value": 1} | changes}


def fill(size: int) -> str:
    """A rule of this many bytes, in many conditions."""
    one = is_("views", "ge", 1)
    return write(*[one] * (size // (len(json.dumps(one)) + 2) - 2))


#: Body, and the code of the answer.
BODIES: dict[str, tuple[str, str]] = {
    "depth 10,000 in objects": (nest(10_000), "parse_error"),
    "depth 10,000 in lists": ('{"rule": ' + "[" * 10_000 + "]" * 10_000 + "}", "parse_error"),
    "depth 2,000": (nest(2_000), "parse_error"),
    "depth 300": (nest(300), "rule_invalid"),
    "depth 100": (nest(100), "rule_invalid"),
    "1 MB of conditions": (fill(1_000_000), "rule_invalid"),
    "1 MB in one text": (write(is_("lifecycle", "eq", "x" * 1_000_000)), "rule_invalid"),
    "100,000 values": (write(is_("total_purchase", "in", list(range(100_000)))), "rule_invalid"),
    "100,000 children": (write(*[{}] * 100_000), "rule_invalid"),
    "100,000 keys": (json.dumps({"rule": {str(key): 1 for key in range(50_000)}}), "rule_invalid"),
    "SQL as a kind of rule": (write({SQL: []}), "rule_invalid"),
    "SQL as a field": (write(is_(SQL, "ge", 1)), "rule_invalid"),
    "SQL as an operator": (write(is_("views", SQL, 1)), "rule_invalid"),
    "SQL as a number": (write(is_("views", "ge", SQL)), "rule_invalid"),
    "SQL as a day": (write(is_("last_seen", "on_or_after", SQL)), "rule_invalid"),
    "SQL as a choice": (write(is_("lifecycle", "eq", SQL)), "rule_invalid"),
    "SQL as an event": (write(behave(event=SQL)), "rule_invalid"),
    "SQL as a measure": (write(behave(measure=SQL)), "rule_invalid"),
    "SQL as a window": (write(behave(window=SQL)), "rule_invalid"),
    "SQL as a filter": (write(behave(where=[{"field": SQL, "operator": "eq", "value": "a"}])), "rule_invalid"),
    "SQL as a segment": (write({"segment": {"id": SQL}}), "rule_invalid"),
    "SQL as a list": (write({"list": {"id": SQL}}), "rule_invalid"),
    "SQL as the segment being edited": (json.dumps({"rule": rule(is_("views", "ge", 1)), "segment": SQL}), "invalid"),
    "an unknown field": (write(is_("password", "eq", "a")), "rule_invalid"),
    "an unknown key": (write({"metric": {"field": "views", "operator": "ge", "value": 1, "sql": SQL}}), "rule_invalid"),
    "an object as a value": (write(is_("views", "ge", {"$gt": 0})), "rule_invalid"),
    "true as a value": (write(is_("views", "ge", True)), "rule_invalid"),
    "a number as a rule": ('{"rule": 1}', "rule_invalid"),
    "null as a rule": ('{"rule": null}', "invalid"),
    "no rule": ("{}", "invalid"),
    "a list as the body": ("[]", "invalid"),
    "a number as the body": ("1", "invalid"),
    "nothing": ("", "invalid"),
    "a huge segment": (json.dumps({"rule": rule(is_("views", "ge", 1)), "segment": 10**30}), "invalid"),
    "a rule of a huge segment": (write({"segment": {"id": 10**30}}), "rule_invalid"),
    "a rule of a huge list": (write({"list": {"id": 10**30}}), "rule_invalid"),
    "a rule of a segment below zero": (write({"segment": {"id": -1}}), "rule_invalid"),
    "NaN": ('{"rule": {"version": 1, "rule": {"metric": {"field": "views", "operator": "ge", "value": NaN}}}}', "parse_error"),
    "Infinity": (write(is_("views", "ge", float("inf"))), "parse_error"),
    "-Infinity": (write(is_("views", "ge", float("-inf"))), "parse_error"),
    "a float beyond all floats": (write(is_("views", "ge", 1)).replace('"value": 1}', '"value": 1e999}'), "rule_invalid"),
    "a number of 5,000 digits": (write(is_("views", "ge", 1)).replace('"value": 1}', f'"value": {"9" * 5000}}}'), "parse_error"),
    "a number of 4,000 digits": (write(is_("views", "ge", 1)).replace('"value": 1}', f'"value": {"9" * 4000}}}'), "rule_invalid"),
    "not JSON": ("SELECT 1", "parse_error"),
    "half of a document": (write(is_("views", "ge", 1))[:-3], "parse_error"),
    "not UTF-8": ("\udcff\udcfe", "parse_error"),
    "a NUL in a text": (write(behave(where=[{"field": "brand", "operator": "eq", "value": "a\0b"}])), "rule_invalid"),
    "half of a surrogate pair": (write(behave(where=[{"field": "brand", "operator": "eq", "value": "\ud800"}])), "rule_invalid"),
}


@pytest.fixture
def no_queries(publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    publish([buyer("1")])

    def refuse(*arguments: object, **options: object) -> NoReturn:
        raise AssertionError("a hostile rule was evaluated")

    monkeypatch.setattr(preview, "segment_preview", refuse)


@pytest.mark.parametrize("name", BODIES)
def test_hostile_body_is_refused_quickly(api: APIClient, no_queries: None, name: str) -> None:
    text, code = BODIES[name]
    body = text.encode(errors="surrogateescape")
    started = time.monotonic()
    answer = api.post("/api/v1/segments/preview", body, content_type="application/json")
    assert time.monotonic() - started < 1
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert 0 < len(answer.json()["detail"]) < 1000
    assert all(len(problem["says"]) < 1000 and problem["path"] for problem in answer.json().get("problems", []))
    assert len(answer.content) < 100_000


@pytest.mark.parametrize("depth", range(500, 1000, 20))
def test_depth_about_where_python_ends(api: APIClient, no_queries: None, depth: int) -> None:
    """Where exactly the parser gives up depends on the frames below it."""
    answer = api.post("/api/v1/segments/preview", nest(depth).encode(), content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] in ("parse_error", "rule_invalid")


@pytest.mark.parametrize("address", ["/api/v1/segments", "/api/v1/segments/preview"])
@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 20_000_000])
def test_body_that_is_too_large(api: APIClient, address: str, size: int) -> None:
    answer = api.post(address, b" " * size, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_sql_in_a_text_is_a_value_like_any_other(api: APIClient, publish: Any) -> None:
    publish([buyer("1")])
    condition = behave(where=[{"field": "brand", "operator": "eq", "value": SQL}])
    answer = api.post("/api/v1/segments/preview", {"rule": rule(condition)}, format="json")
    assert (answer.status_code, answer.json()["count"]) == (200, 0)
    answer = api.post("/api/v1/segments/preview", {"rule": rule(is_("total_purchase", "ge", 1))}, format="json")
    assert answer.json()["count"] == 1


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_no_database_stores_is_refused(api: APIClient, text: str, publish: Callable[..., Any]) -> None:
    publish([buyer("1")])
    condition = behave(where=[{"field": "brand", "operator": "eq", "value": text}])
    for body in ({"name": text, "rule": rule(is_("views", "ge", 1))}, {"name": "A name", "rule": rule(condition)}):
        answer = api.post("/api/v1/segments", json.dumps(body).encode(), content_type="application/json")
        assert answer.status_code == 400
    assert not Segment.objects.exists()
