"""The messages of the topic rec.exposures: a list was served, a person saw it, a person clicked a product of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SERVED, SEEN, CLICK = "served", "seen", "click"
KINDS = (SERVED, SEEN, CLICK)


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
    except ValueError as error:
        raise BadExposure(f"it is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BadExposure("it is not a JSON object")
    texts = {name: fields.get(name, "") for name in Exposure.__slots__ if name not in ("at", "products")}
    if wrong := next((name for name, value in texts.items() if not isinstance(value, str) or len(value) > 200), None):
        raise BadExposure(f"{wrong} is not a text of at most 200 characters")
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
    return at


def _parse_products(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadExposure("products is not a list of texts")
    return tuple(value)
