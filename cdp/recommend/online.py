"""The online features in Redis: one hash per customer and publication, and a pointer to the publication that serves.

A publication writes all its hashes, then sets the pointer, so a reader never sees half of a publication. Numbers of products are
places in the `product_ids` of the publication's folder on disk (cdp/recommend/store.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from cdp.recommend.histories import Floats, Ints

POINTER = "rec:current"
#: A hash that no publication renews disappears after these days.
KEPT_DAYS = 3
#: Products of a list, and products of a history.
LISTED, REMEMBERED = 100, 30
#: Days for which a bought product is not recommended again.
BOUGHT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Pointer:
    """The publication that serves."""

    publication: str  # its name, and that of its folder
    day: str  # the last day that it knows
    model: str  # the version of the models
    for_you: str  # names of the models that make the lists
    goes_with: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def parse_pointer(text: str | bytes) -> Pointer:
    return Pointer(**json.loads(text))


@dataclass(frozen=True, slots=True)
class OnlineCustomer:
    """What a publication knows of a customer: numbers of products, the best or the latest first."""

    for_you: Ints
    buy_again: Ints
    products: Ints  # the history, the latest first
    strengths: Floats  # of each product of the history
    bought: Ints  # in the last days


def name_customer(publication: str, customer_id: str) -> str:
    return f"rec:{publication}:{customer_id}"


def encode_customer(customer: OnlineCustomer) -> dict[str, bytes]:
    return {
        name: np.asarray(getattr(customer, name), "<f4" if name == "strengths" else "<i4").tobytes()
        for name in OnlineCustomer.__slots__
    }


def decode_customer(fields: Mapping[bytes, bytes]) -> OnlineCustomer | None:
    """None if Redis has nothing of the customer."""
    if not fields:
        return None
    return OnlineCustomer(
        *(np.frombuffer(fields[name.encode()], "<f4" if name == "strengths" else "<i4") for name in OnlineCustomer.__slots__)
    )
