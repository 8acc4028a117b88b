"""Predicts the parser's verdict on a message, in SQL: the number of the check that fails, or 0 for an event.

The rules are those of streaming/events/values.py, in the order of the contract; tests compare the two. Numbers instead of texts
keep it fast: the sentences are made in Python, only for the few rows that are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cdp.events import EVENT_TYPES, FIELD_NAMES, FIELDS
from cdp.events.fields import (
    EARLIEST_DAY,
    IDENTITY,
    MAX_AHEAD_HOURS,
    MAX_QUANTITY,
    MAX_REVENUE,
    MAX_TEXT,
    MONEY_TYPES,
    NEGATIVE,
    NUMBER,
    TIME,
    WHOLE,
    EventField,
)
from cdp.kinds import MONEY, PRICE
from cdp.settings import Settings
from source_server.intake.sql import literal

SHOWN = 60  # characters of a value that a refusal quotes
#: The least unit price that has too many digits after rounding, in thousandths.
TOO_DEAR = 10**13 - 5
NOT_JSON = 1
_TIME, _PRICE, _QUANTITY, _AMOUNT = "t_event_time", "t_price", "t_quantity", "t_amount"


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """A reason for refusal: SQL over the texts of the fields, the trimmed texts (`t_`) and the parsed values (`v_`)."""

    reason: str
    field: str | None
    fails: str
    describe: Callable[[str], str]


def _quote(what: str) -> Callable[[str], str]:
    return lambda text: f"'{text[:SHOWN] + '…' if len(text) > SHOWN else text}' {what}"


def _and_then(cheap: str, costly: str) -> str:
    """SQL of both conditions; unlike AND, the second is evaluated only if the first holds."""
    return f"CASE WHEN {cheap} THEN {costly} ELSE false END"


def _check_missing(field: EventField) -> list[ContractCheck]:
    # A text that sorts before '!' starts with white space or is empty, so most texts need no trimming here.
    blank = _and_then(f"{field.name} < '!'", f"trim({field.name}, ' ') = ''")
    fails = f"({field.name} IS NULL OR {blank})"
    fails = f"{fails} AND t_{field.instead} IS NULL" if field.instead else fails
    return [ContractCheck("missing", field.name, fails, lambda _: "it is missing or empty")] if field.required else []


def _check_time(name: str) -> list[ContractCheck]:
    ahead = f"lies more than {MAX_AHEAD_HOURS} hours after it was received"
    return [
        ContractCheck(
            "bad_time", name, f"({_TIME} IS NOT NULL AND v_time IS NULL)", _quote("is not a time with seconds and a zone")
        ),
        ContractCheck("bad_time", name, f"v_time < TIMESTAMP '{EARLIEST_DAY}'", _quote(f"lies before {EARLIEST_DAY}")),
        ContractCheck("bad_time", name, "v_time > $latest", _quote(ahead)),
    ]


def _check_type(name: str) -> list[ContractCheck]:
    types = ", ".join(map(literal, EVENT_TYPES))
    fails = f"(t_{name} IS NOT NULL AND t_{name} NOT IN ({types}))"
    return [ContractCheck("bad_type", name, fails, _quote(f"is none of {', '.join(EVENT_TYPES)}"))]


def _check_text(name: str) -> list[ContractCheck]:
    # Counting bytes is free, and a text has at most as many characters.
    fails = _and_then(f"strlen({name}) > {MAX_TEXT}", f"length(trim({name}, ' ')) > {MAX_TEXT}")
    return [ContractCheck("too_long", name, fails, lambda text: f"{len(text)} characters, {MAX_TEXT} at most")]


def _check_money(name: str) -> list[ContractCheck]:
    return _check_number("bad_price", name, "false", "has more than ten digits before the point")


def _check_amount(name: str) -> list[ContractCheck]:
    return _check_number("bad_amount", name, f"v_{name} > {MAX_REVENUE}", f"is more than {MAX_REVENUE:,}")


def _check_number(reason: str, name: str, over: str, fault: str) -> list[ContractCheck]:
    """A number is too large if `over` holds or the type of the value can't hold it."""
    text = f"t_{name}"
    unread = f"({text} IS NOT NULL AND v_{name} IS NULL)"
    too_large = f"({over} OR {_and_then(unread, f'regexp_matches({text}, {literal(NUMBER)})')})"
    negative = _and_then(f"{text} < '.'", f"regexp_matches({text}, {literal(NEGATIVE)})")
    return [
        ContractCheck(reason, name, negative, _quote("is negative")),
        ContractCheck(reason, name, too_large, _quote(fault)),
        ContractCheck(reason, name, unread, _quote("is not a number")),
    ]


def _check_quantity(name: str) -> list[ContractCheck]:
    number = f"try_cast(split_part({_QUANTITY}, '.', 1) AS INTEGER)"
    read = _and_then(f"regexp_matches({_QUANTITY}, {literal(WHOLE)})", f"coalesce({number} BETWEEN 1 AND {MAX_QUANTITY}, false)")
    fails = _and_then(f"{_QUANTITY} IS NOT NULL", f"NOT {read}")
    return [ContractCheck("bad_quantity", name, fails, _quote(f"is not a whole number from 1 to {MAX_QUANTITY}"))]


def _check_currency(name: str) -> list[ContractCheck]:
    # Three bytes can only be three ASCII letters, so lower-casing of other alphabets plays no part.
    same = f"(strlen(t_{name}) = 3 AND lower(t_{name}) = $currency)"
    return [
        ContractCheck(
            "bad_currency", name, _and_then(f"t_{name} IS NOT NULL", f"NOT {same}"), _quote("is not the shop's currency")
        )
    ]


def _check_products() -> list[ContractCheck]:
    """Checks of several fields together. Their values are valid, because the single-field checks come first."""
    kinds = ", ".join(map(literal, MONEY_TYPES))
    units = f"CAST(split_part({_QUANTITY}, '.', 1) AS INTEGER)"
    # One unit is never too much.
    several = f"{_QUANTITY} IS NOT NULL AND {_AMOUNT} IS NULL AND t_event_type IN ({kinds})"
    worth = _and_then(several, f"v_price * {units} > {MAX_REVENUE}")
    # A unit price that is rounded up to TOO_DEAR is too large; both sides are whole numbers.
    unit_price = f"CAST(v_amount * 1000 AS HUGEINT) >= {TOO_DEAR} * coalesce({units}, 1)"
    too_dear = _and_then(f"{_AMOUNT} IS NOT NULL AND {_PRICE} IS NULL", unit_price)
    return [
        ContractCheck("bad_quantity", "quantity", worth, _quote(f"times the price is more than {MAX_REVENUE:,}")),
        ContractCheck("bad_amount", "amount", too_dear, _quote("makes a price of more than ten digits before the point")),
    ]


_OF_KIND = {
    "time": _check_time, "type": _check_type, "text": _check_text, "money": _check_money,
    "quantity": _check_quantity, "amount": _check_amount, "currency": _check_currency,
}  # fmt: skip
#: The number in the SQL is the position in this list, counted from 1.
CHECKS: tuple[ContractCheck, ...] = (
    ContractCheck("not_json", None, "false", lambda _: "it is not one JSON object"),
    *(check for field in FIELDS for check in [*_check_missing(field), *_OF_KIND[field.kind](field.name)]),
    *_check_products(),
)

#: The leading `2019-10-01 12:00:00` of a time of the right form. The fraction is truncated to microseconds, as in Spark.
_LOCAL = f"try_cast(left({_TIME}, 19) AS TIMESTAMP)"
_FRACTION = rf"CAST(left(regexp_extract({_TIME}, '\.(\d+)', 1) || '000000', 6) AS BIGINT)"
_OFFSET = rf"regexp_extract({_TIME}, '([+-])(\d\d):?(\d\d)?$', ['sign', 'hours', 'minutes'])"
_MINUTES = (
    "CASE WHEN o.sign IS NULL OR o.sign = '' THEN 0"
    " WHEN coalesce(try_cast(o.minutes AS INTEGER), 0) > 59 THEN NULL"
    " WHEN CAST(o.hours AS INTEGER) * 60 + coalesce(try_cast(o.minutes AS INTEGER), 0) > 18 * 60 THEN NULL"
    " ELSE (CAST(o.hours AS INTEGER) * 60 + coalesce(try_cast(o.minutes AS INTEGER), 0))"
    " * CASE o.sign WHEN '-' THEN -1 ELSE 1 END END"
)
TIME_VALUE = f"""
    CASE WHEN {_TIME} IS NULL OR NOT regexp_matches({_TIME}, {literal(TIME)}) OR contains({_TIME}, '24:00:00') THEN NULL
         WHEN strlen({_TIME}) = 20 OR (strlen({_TIME}) = 23 AND suffix({_TIME}, ' UTC')) THEN {_LOCAL}
         ELSE list_transform([{_OFFSET}],
              lambda o: {_LOCAL} + to_microseconds({_FRACTION}) - to_minutes(CAST({_MINUTES} AS BIGINT)))[1]
    END"""


def _make_money_value(text: str, kind: str) -> str:
    """A number with an exponent is written out first, because DuckDB's own parsing loses digits of long numbers."""
    mantissa = f"regexp_extract({text}, '^\\+?(\\d*)\\.?(\\d*)[eE]([+-]?\\d+)$', ['whole', 'part', 'exponent'])"
    written_out = (
        f"list_transform(list_transform([{mantissa}],"
        " lambda m: {'digits': m.whole || m.part, 'point': CAST(length(m.whole) + CAST(m.exponent AS INTEGER) AS INTEGER)}),"
        " lambda n: CASE WHEN n.point <= 0 THEN '0.' || repeat('0', -n.point) || n.digits"
        " WHEN n.point >= length(n.digits) THEN n.digits || repeat('0', n.point - length(n.digits))"
        " ELSE left(n.digits, n.point) || '.' || substr(n.digits, n.point + 1) END)[1]"
    )
    return f"""
        CASE WHEN {text} IS NULL OR NOT regexp_matches({text}, {literal(NUMBER)}) THEN NULL
             WHEN contains({text}, 'e') OR contains({text}, 'E') THEN try_cast({written_out} AS {kind})
             ELSE try_cast({text} AS {kind}) END"""


PRICE_VALUE, AMOUNT_VALUE = _make_money_value(_PRICE, PRICE), _make_money_value(_AMOUNT, MONEY)


def clean_text(text: str, has_escapes: str) -> str:
    """Clean a text as the parser does: control characters are white space. Only messages with escapes can have any."""
    spaced = rf"regexp_replace({text}, '[\x00-\x20\x7f]+', ' ', 'g')"
    return f"CASE WHEN {has_escapes} THEN nullif(trim({spaced}, ' '), '') ELSE {text} END"


def _trim(text: str) -> str:
    """Trim only texts with a space at an end: most have none, and the test is cheaper than trimming."""
    return f"CASE WHEN {text} < '!' OR suffix({text}, ' ') THEN nullif(trim({text}, ' '), '') ELSE {text} END"


@dataclass(frozen=True, slots=True)
class Shop:
    """The values that differ between loads: the latest time that is not too far ahead, and the shop's currency."""

    latest: datetime
    currency: str

    @classmethod
    def at(cls, now: datetime, settings: Settings) -> Shop:
        return cls(now.astimezone(UTC) + timedelta(hours=MAX_AHEAD_HOURS), settings.currency)

    def put_into(self, fails: str) -> str:
        moment = self.latest.replace(tzinfo=None).isoformat(sep=" ")
        return fails.replace("$latest", f"TIMESTAMP '{moment}'").replace("$currency", literal(self.currency.lower()))


def _make_same(spaced: frozenset[str]) -> str:
    """SQL of a number that is equal for events with the same computed id, and 0 for events with an id of their own. Trimming is
    costly, so it is done only for fields whose texts may have spaces at their ends."""
    hashed = ", ".join(_normalise(field, field.name in spaced) for field in FIELDS if field.name in IDENTITY)
    return f"CASE WHEN {_trim('event_id')} IS NULL THEN hash({hashed}) ELSE 0::UBIGINT END"


def _normalise(field: EventField, spaced: bool) -> str:
    """SQL of a value that is equal for two texts if the parser makes the same value of them."""
    if field.name in _PARSED:
        return _PARSED[field.name]
    if field.kind != "text":
        return f"t_{field.name}"
    text = f"trim({field.name}, {_SPACE})" if spaced else field.name
    text = text if field.required else f"coalesce({text}, '')"
    return f"lower({text})" if field.name == "brand" else text


_SPACE = "' '"
_PARSED = {
    "event_time": "v_time",
    "price": "v_price",
    "amount": "v_amount",
    "quantity": f"CASE WHEN {_QUANTITY} IS NULL THEN 1 ELSE try_cast(split_part({_QUANTITY}, '.', 1) AS INTEGER) END",
}


def judging(frame: str, shop: Shop, clean: bool, extra_columns: str, spaced: frozenset[str] = frozenset(FIELD_NAMES)) -> str:
    """A query over `frame`, a query of the fields' texts. Adds `code`, `v_time`, `type` and `same` to `extra_columns`.

    `clean`: no text can hold an escape, so only trimming is left to do. `spaced`: fields whose texts may start or end with a
    space.
    """
    cleaning = ", ".join(FIELD_NAMES if clean else (f"{clean_text(name, 'has_escapes')} AS {name}" for name in FIELD_NAMES))
    trimmed = ", ".join(f"{_trim(field.name)} AS t_{field.name}" for field in FIELDS if field.kind != "text")
    whens = " ".join(f"WHEN {shop.put_into(check.fails)} THEN {number}" for number, check in enumerate(CHECKS, start=1))
    return f"""
        SELECT {extra_columns}, v_time, t_event_type AS type, {_make_same(spaced)} AS same,
            CASE WHEN is_object THEN CASE {whens} ELSE 0 END ELSE {NOT_JSON} END AS code
        FROM (SELECT *, {TIME_VALUE} AS v_time, {PRICE_VALUE} AS v_price, {AMOUNT_VALUE} AS v_amount
        FROM (SELECT *, {trimmed}
        FROM (SELECT {extra_columns}, is_object, {cleaning} FROM ({frame}))))"""
