"""The messages of the topic rec.exposures: a list was served, a person saw it, a person clicked a product of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SERVED, SEEN, CLICK = "served", "seen", "click"
KINDS = (SERVED, SEEN, CLICK)
MOST_CHARACTERS = 200
#: A time outside these years is a mistake.
YEARS = range(2000, 2200)


class BadExposure(ValueError):
    """A message that can't be used. It names the field and what is wrong."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One message. `seen` and `click` have only the first fields and, for a click, the product; they come from the shop's pages
    and may come more than once, or before `served`."""

    kind: str
    exposure_id: str
    at: datetime
    product_id: str = ""
    customer_id: str = ""
    place: str = ""  # where on the shop's pages, such as `home`, `product` or `cart`
    list_name: str = ""  # for-you, buy-again, goes-with, similar
    experiment: str = ""  # empty: none
    arm: str = ""
    publication: str = ""
    source: str = ""  # how the list was made, such as `stored`, `session`, `popular`
    products: tuple[str, ...] = ()  # as served, the first place first

    def to_json(self) -> bytes:
        fields = {name: getattr(self, name) for name in Exposure.__slots__ if getattr(self, name) not in ("", ())}
        return json.dumps(fields | {"at": self.at.isoformat()}).encode()


def parse_exposure(payload: bytes | str) -> Exposure:
    """Raises BadExposure."""
    try:
        fields: Any = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadExposure(f"it is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BadExposure("it is not a JSON object")
    texts = {name: fields.get(name, "") for name in Exposure.__slots__ if name not in ("at", "products")}
    if wrong := next((name for name, value in texts.items() if not _is_text(value)), None):
        raise BadExposure(f"{wrong} is not a text of at most {MOST_CHARACTERS} printable characters")
    if texts["kind"] not in KINDS:
        raise BadExposure(f"kind is {texts['kind']!r}; it must be one of {', '.join(KINDS)}")
    if not texts["exposure_id"]:
        raise BadExposure("exposure_id is missing")
    if texts["kind"] == CLICK and not texts["product_id"]:
        raise BadExposure("product_id is missing")
    return Exposure(at=_parse_time(fields.get("at")), products=_parse_products(fields.get("products", [])), **texts)


def _parse_time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise BadExposure(f"at is {value!r}; it must be a time such as 2026-01-31T12:00:00+00:00") from error
    if at.tzinfo is None:
        raise BadExposure(f"at is {value!r}, without an offset from UTC")
    if at.year not in YEARS:
        raise BadExposure(f"at is {value!r}; its year must be from {YEARS[0]} to {YEARS[-1]}")
    return at.astimezone(UTC)


def _parse_products(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(map(_is_text, value)):
        raise BadExposure(f"products is not a list of texts of at most {MOST_CHARACTERS} printable characters")
    return tuple(value)


def _is_text(value: Any) -> bool:
    """Postgres stores no NUL, and nothing stores half of a surrogate pair."""
    return isinstance(value, str) and len(value) <= MOST_CHARACTERS and value.isprintable()
