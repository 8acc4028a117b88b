"""The checks of the contract in their order, as SQL over the trimmed texts of the fields and their values (`v_`).

A query gives the number of the first check that fails, or 0 for an event. The sentences are made in Python, for refused messages
only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cdp.events.fields import (
    BOUNDS,
    EVENT_TYPES,
    FIELDS,
    MAX_REVENUE,
    MONEY_TYPES,
    NEGATIVE,
    NUMBER,
    Bounds,
    EventField,
)
from cdp.events.reading.sql import if_then, literal

SHOWN = 60  # characters of a value that a refusal quotes
#: The number of the first check.
NOT_JSON = 1


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """A reason for refusal. `fails` is SQL; `describe` says what is wrong with the field's text."""

    reason: str
    field: str | None
    fails: str
    describe: Callable[[str], str]


def make_checks(bounds: Bounds = BOUNDS) -> tuple[ContractCheck, ...]:
    """All checks. The number of a check in the SQL is its position here, counted from 1."""
    single = [check for field in FIELDS for check in [*_check_missing(field), *_OF_KIND[field.kind](field.name, bounds)]]
    not_json = ContractCheck("not_json", None, "NOT is_object", lambda _: "it is not one JSON object")
    return (not_json, *single, *_check_products())


def _quote(what: str) -> Callable[[str], str]:
    return lambda text: f"'{text[:SHOWN] + '…' if len(text) > SHOWN else text}' {what}"


def _check_missing(field: EventField) -> list[ContractCheck]:
    fails = f"{field.name} IS NULL AND {field.instead} IS NULL" if field.instead else f"{field.name} IS NULL"
    return [ContractCheck("missing", field.name, fails, lambda _: "it is missing or empty")] if field.required else []


def _check_time(name: str, bounds: Bounds) -> list[ContractCheck]:
    hours, early = bounds.max_ahead_hours, bounds.earliest_day
    ahead = f"v_time > received_at + INTERVAL {hours} HOUR"
    return [
        ContractCheck("bad_time", name, "v_time IS NULL", _quote("is not a time with seconds and a zone")),
        ContractCheck("bad_time", name, f"v_time < TIMESTAMP '{early}'", _quote(f"lies before {early}")),
        ContractCheck("bad_time", name, ahead, _quote(f"lies more than {hours} hours after it was received")),
    ]


def _check_type(name: str, bounds: Bounds) -> list[ContractCheck]:
    types = ", ".join(map(literal, EVENT_TYPES))
    return [ContractCheck("bad_type", name, f"{name} NOT IN ({types})", _quote(f"is none of {', '.join(EVENT_TYPES)}"))]


def _check_text(name: str, bounds: Bounds) -> list[ContractCheck]:
    # The number of bytes is known without counting, and is never less than the number of characters.
    fails = if_then(f"strlen({name}) > {bounds.max_text}", f"length({name}) > {bounds.max_text}")
    return [ContractCheck("too_long", name, fails, lambda text: f"{len(text)} characters, {bounds.max_text} at most")]


def _check_price(name: str, bounds: Bounds) -> list[ContractCheck]:
    return _check_money("bad_price", name, "false", "has more than ten digits before the point")


def _check_amount(name: str, bounds: Bounds) -> list[ContractCheck]:
    return _check_money("bad_amount", name, f"v_amount > {MAX_REVENUE}", f"is more than {MAX_REVENUE:,}")


def _check_money(reason: str, name: str, over: str, fault: str) -> list[ContractCheck]:
    """A number is too large if `over` holds or the type of the value can't hold it."""
    unread = f"{name} IS NOT NULL AND v_{name} IS NULL"
    too_large = f"({over} OR {if_then(unread, f'regexp_matches({name}, {literal(NUMBER)})')})"
    # The pattern is slow; few texts sort before '.' as those with a sign do.
    negative = if_then(f"{name} < '.'", f"regexp_matches({name}, {literal(NEGATIVE)})")
    return [
        ContractCheck(reason, name, negative, _quote("is negative")),
        ContractCheck(reason, name, too_large, _quote(fault)),
        ContractCheck(reason, name, unread, _quote("is not a number")),
    ]


def _check_quantity(name: str, bounds: Bounds) -> list[ContractCheck]:
    # The value of a missing quantity is 1.
    detail = _quote(f"is not a whole number from 1 to {bounds.max_quantity}")
    return [ContractCheck("bad_quantity", name, f"v_{name} IS NULL", detail)]


def _check_currency(name: str, bounds: Bounds) -> list[ContractCheck]:
    if not bounds.currency:
        return []
    # Three bytes can only be three ASCII letters, so lower-casing of other alphabets plays no part.
    length, currency = len(bounds.currency.encode()), literal(bounds.currency.lower())
    fails = if_then(f"{name} IS NOT NULL", f"NOT (strlen({name}) = {length} AND lower({name}) = {currency})")
    return [ContractCheck("bad_currency", name, fails, _quote(f"is not {bounds.currency}, the shop's currency"))]


def _check_products() -> list[ContractCheck]:
    """Checks of several fields together. Their values are valid, because the single-field checks come first."""
    kinds = ", ".join(map(literal, MONEY_TYPES))
    # One unit is never too much.
    several = f"quantity IS NOT NULL AND amount IS NULL AND event_type IN ({kinds})"
    worth = if_then(several, f"v_price * v_quantity > {MAX_REVENUE}")
    too_dear = "price IS NULL AND amount IS NOT NULL AND unit_price IS NULL"
    return [
        ContractCheck("bad_quantity", "quantity", worth, _quote(f"times the price is more than {MAX_REVENUE:,}")),
        ContractCheck("bad_amount", "amount", too_dear, _quote("makes a price of more than ten digits before the point")),
    ]


_OF_KIND: dict[str, Callable[[str, Bounds], list[ContractCheck]]] = {
    "time": _check_time,
    "type": _check_type,
    "text": _check_text,
    "money": _check_price,
    "quantity": _check_quantity,
    "amount": _check_amount,
    "currency": _check_currency,
}
