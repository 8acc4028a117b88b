"""Why a message is refused. The code is stored in quarantine; the sentence is for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    says: str


REASONS = (
    Reason("not_json", "the message is not a JSON object"),
    Reason("missing", "a required field is missing or empty"),
    Reason("bad_time", "the time is not a valid time with a zone, or is before 1990 or in the far future"),
    Reason("bad_type", "the event type is unknown"),
    Reason("bad_price", "the price is not a number, is negative, or has too many digits"),
    Reason("bad_quantity", "the quantity is not a whole number of 1 or more, or makes the purchase or refund too large"),
    Reason("bad_amount", "the amount is not a number, is negative or too large, or makes the price too large"),
    Reason("too_long", "a text is longer than the limit"),
    Reason("bad_currency", "the currency is not the shop's"),
)
