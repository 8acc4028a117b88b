"""Messages of exposures: what is written can be read, and what can't be used is refused with its field."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from cdp.recommend.exposures import CLICK, SERVED, BadExposure, Exposure, parse_exposure

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIST = Exposure(SERVED, "e1", AT, "", "ann", "home", "for-you", "test", "new", "2026-01-30", "stored", ("1", "2"))


@pytest.mark.parametrize("exposure", [LIST, Exposure(CLICK, "e1", AT, "2"), Exposure(SERVED, "đ 1", AT)])
def test_a_message_comes_back_as_it_was(exposure: Exposure) -> None:
    assert parse_exposure(exposure.to_json()) == exposure


def test_the_time_is_in_utc() -> None:
    local = AT.astimezone(timezone(timedelta(hours=7)))
    assert parse_exposure(Exposure(CLICK, "e1", local, "2").to_json()).at.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "bought"}, "kind"),
        ({"exposure_id": ""}, "exposure_id"),
        ({"exposure_id": "a\0b"}, "exposure_id"),
        ({"customer_id": "\ud800"}, "customer_id"),
        ({"place": "x" * 201}, "place"),
        ({"arm": 7}, "arm"),
        ({"kind": "click"}, "product_id"),
        ({"at": "2026-01-31T12:00:00"}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"at": None}, "at"),
        ({"products": "1"}, "products"),
        ({"products": ["1", "\0"]}, "products"),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadExposure, match=f"^{field} "):
        parse_exposure(json.dumps(json.loads(LIST.to_json()) | changes))


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b"[" * 100_000])
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(BadExposure, match="JSON"):
        parse_exposure(payload)
