"""What the parser downstream will say of a message, as SQL: the number of the check that fails, 0 where it is an event.

The rules are those of streaming/values.py, in the order of the contract; tests hold the two together. A number instead of a
text keeps it fast: the sentence is made in Python, and only for the few rows that are shown.
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
from cdp.settings import Settings
from source_server.intake.sql import literal

SHOWN = 60  # characters of a value that a refusal repeats
#: The least price of one that has too many digits when it is rounded, in thousandths.
TOO_DEAR = 10**13 - 5
NOT_JSON = 1
_TIME, _PRICE, _QUANTITY, _AMOUNT = "t_event_time", "t_price", "t_quantity", "t_amount"


@dataclass(frozen=True, slots=True)
class Check:
    """A way to be refused: SQL over the texts of the fields, and over those marked `t_` trimmed and `v_` read."""

    reason: str
    field: str | None
    fails: str
    says: Callable[[str], str]


def _said(what: str) -> Callable[[str], str]:
    return lambda text: f"'{text[:SHOWN] + '…' if len(text) > SHOWN else text}' {what}"


def _where(cheap: str, dear: str) -> str:
    """Both hold; unlike AND the second is looked at only where the first does."""
    return f"CASE WHEN {cheap} THEN {dear} ELSE false END"


def _missing(field: EventField) -> list[Check]:
    # Whatever sorts before '!' begins with white space or is empty: most texts need no trimming to know.
    blank = _where(f"{field.name} < '!'", f"trim({field.name}, ' ') = ''")
    fails = f"({field.name} IS NULL OR {blank})"
    fails = f"{fails} AND t_{field.instead} IS NULL" if field.instead else fails
    return [Check("missing", field.name, fails, lambda _: "it is missing or empty")] if field.required else []


def _time(name: str) -> list[Check]:
    ahead = f"lies more than {MAX_AHEAD_HOURS} hours after it was received"
    return [
        Check("bad_time", name, f"({_TIME} IS NOT NULL AND v_time IS NULL)", _said("is not a time with seconds and a zone")),
        Check("bad_time", name, f"v_time < TIMESTAMP '{EARLIEST_DAY}'", _said(f"lies before {EARLIEST_DAY}")),
        Check("bad_time", name, "v_time > $latest", _said(ahead)),
    ]


def _type(name: str) -> list[Check]:
    known = ", ".join(map(literal, EVENT_TYPES))
    fails = f"(t_{name} IS NOT NULL AND t_{name} NOT IN ({known}))"
    return [Check("bad_type", name, fails, _said(f"is none of {', '.join(EVENT_TYPES)}"))]


def _text(name: str) -> list[Check]:
    # A text of few bytes has few characters: counting bytes is free.
    fails = _where(f"strlen({name}) > {MAX_TEXT}", f"length(trim({name}, ' ')) > {MAX_TEXT}")
    return [Check("too_long", name, fails, lambda text: f"{len(text)} characters, {MAX_TEXT} at most")]


def _money(name: str) -> list[Check]:
    return _number("bad_price", name, "false", "has more than ten digits before the point")


def _amount(name: str) -> list[Check]:
    return _number("bad_amount", name, f"v_{name} > {MAX_REVENUE}", f"is more than {MAX_REVENUE:,}")


def _number(reason: str, name: str, over: str, says: str) -> list[Check]:
    """Too large is what is `over`, and a number that the type of the value does not hold."""
    text = f"t_{name}"
    unread = f"({text} IS NOT NULL AND v_{name} IS NULL)"
    too_large = f"({over} OR {_where(unread, f'regexp_matches({text}, {literal(NUMBER)})')})"
    negative = _where(f"{text} < '.'", f"regexp_matches({text}, {literal(NEGATIVE)})")
    return [
        Check(reason, name, negative, _said("is negative")),
        Check(reason, name, too_large, _said(says)),
        Check(reason, name, unread, _said("is not a number")),
    ]


def _quantity(name: str) -> list[Check]:
    number = f"try_cast(split_part({_QUANTITY}, '.', 1) AS INTEGER)"
    read = _where(f"regexp_matches({_QUANTITY}, {literal(WHOLE)})", f"coalesce({number} BETWEEN 1 AND {MAX_QUANTITY}, false)")
    fails = _where(f"{_QUANTITY} IS NOT NULL", f"NOT {read}")
    return [Check("bad_quantity", name, fails, _said(f"is not a whole number from 1 to {MAX_QUANTITY}"))]


def _currency(name: str) -> list[Check]:
    # Three bytes are three plain letters: what other alphabets have for a small letter plays no part.
    same = f"(strlen(t_{name}) = 3 AND lower(t_{name}) = $currency)"
    return [Check("bad_currency", name, _where(f"t_{name} IS NOT NULL", f"NOT {same}"), _said("is not the shop's currency"))]


def _too_much() -> list[Check]:
    """Of several fields; what is given can be read, for the checks of each came before."""
    kinds = ", ".join(map(literal, MONEY_TYPES))
    units = f"CAST(split_part({_QUANTITY}, '.', 1) AS INTEGER)"
    # One unit is never too much.
    several = f"{_QUANTITY} IS NOT NULL AND {_AMOUNT} IS NULL AND t_event_type IN ({kinds})"
    worth = _where(several, f"v_price * {units} > {MAX_REVENUE}")
    # A price that is rounded to this is too large; both sides are whole numbers.
    price_of_one = f"CAST(v_amount * 1000 AS HUGEINT) >= {TOO_DEAR} * coalesce({units}, 1)"
    too_dear = _where(f"{_AMOUNT} IS NOT NULL AND {_PRICE} IS NULL", price_of_one)
    return [
        Check("bad_quantity", "quantity", worth, _said(f"times the price is more than {MAX_REVENUE:,}")),
        Check("bad_amount", "amount", too_dear, _said("makes a price of more than ten digits before the point")),
    ]


_OF_KIND = {
    "time": _time, "type": _type, "text": _text, "money": _money, "quantity": _quantity, "amount": _amount, "currency": _currency,
}  # fmt: skip
#: The number that the SQL gives is the place in this list, counted from 1.
CHECKS: tuple[Check, ...] = (
    Check("not_json", None, "false", lambda _: "it is not one JSON object"),
    *(check for field in FIELDS for check in [*_missing(field), *_OF_KIND[field.kind](field.name)]),
    *_too_much(),
)

#: `2019-10-01 12:00:00` at the front of a time that has the shape; the fraction is cut at microseconds as Spark does.
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


def _money_value(text: str, kind: str) -> str:
    """An exponent is written out digit by digit first: DuckDB's own reading of one loses long numbers."""
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


PRICE_VALUE, AMOUNT_VALUE = _money_value(_PRICE, "DECIMAL(12, 2)"), _money_value(_AMOUNT, "DECIMAL(18, 2)")


def cleaned(text: str, has_escapes: str) -> str:
    """As the parser: control characters are white space where the message has an escape at all. Trimmed by the checks."""
    spaced = rf"regexp_replace({text}, '[\x00-\x20\x7f]+', ' ', 'g')"
    return f"CASE WHEN {has_escapes} THEN nullif(trim({spaced}, ' '), '') ELSE {text} END"


def _trimmed(text: str) -> str:
    """Most texts have no space at their ends; finding that out is cheaper than trimming them."""
    return f"CASE WHEN {text} < '!' OR suffix({text}, ' ') THEN nullif(trim({text}, ' '), '') ELSE {text} END"


@dataclass(frozen=True, slots=True)
class Shop:
    """What is not the same for every load: the last time that is not too far ahead, and the shop's currency."""

    latest: datetime
    currency: str

    @classmethod
    def at(cls, now: datetime, settings: Settings) -> Shop:
        return cls(now.astimezone(UTC) + timedelta(hours=MAX_AHEAD_HOURS), settings.currency)

    def put_into(self, fails: str) -> str:
        moment = self.latest.replace(tzinfo=None).isoformat(sep=" ")
        return fails.replace("$latest", f"TIMESTAMP '{moment}'").replace("$currency", literal(self.currency.lower()))


def _same(spaced: frozenset[str]) -> str:
    """A number, equal where the parser would make the same id of two events; 0 where an id is given. Trimming is dear, and only
    done for fields of which a text may have space at its ends."""
    hashed = ", ".join(_normal(field, field.name in spaced) for field in FIELDS if field.name in IDENTITY)
    return f"CASE WHEN {_trimmed('event_id')} IS NULL THEN hash({hashed}) ELSE 0::UBIGINT END"


def _normal(field: EventField, spaced: bool) -> str:
    """Equal where the parser makes the same value of two texts."""
    if field.name in _READ:
        return _READ[field.name]
    if field.kind != "text":
        return f"t_{field.name}"
    text = f"trim({field.name}, {_SPACE})" if spaced else field.name
    text = text if field.required else f"coalesce({text}, '')"
    return f"lower({text})" if field.name == "brand" else text


_SPACE = "' '"
_READ = {
    "event_time": "v_time",
    "price": "v_price",
    "amount": "v_amount",
    "quantity": f"CASE WHEN {_QUANTITY} IS NULL THEN 1 ELSE try_cast(split_part({_QUANTITY}, '.', 1) AS INTEGER) END",
}


def judging(frame: str, shop: Shop, clean: bool, kept: str, spaced: frozenset[str] = frozenset(FIELD_NAMES)) -> str:
    """A query over one that gives the fields' texts; columns `code`, `v_time`, `type` and `same` are added to those in `kept`.

    `clean`: no text of it can hold an escape, so that only trimming is left to do. `spaced`: fields whose texts may begin or end
    with a space.
    """
    cleaning = ", ".join(FIELD_NAMES if clean else (f"{cleaned(name, 'has_escapes')} AS {name}" for name in FIELD_NAMES))
    trimmed = ", ".join(f"{_trimmed(field.name)} AS t_{field.name}" for field in FIELDS if field.kind != "text")
    whens = " ".join(f"WHEN {shop.put_into(check.fails)} THEN {number}" for number, check in enumerate(CHECKS, start=1))
    return f"""
        SELECT {kept}, v_time, t_event_type AS type, {_same(spaced)} AS same,
            CASE WHEN is_object THEN CASE {whens} ELSE 0 END ELSE {NOT_JSON} END AS code
        FROM (SELECT *, {TIME_VALUE} AS v_time, {PRICE_VALUE} AS v_price, {AMOUNT_VALUE} AS v_amount
        FROM (SELECT *, {trimmed}
        FROM (SELECT {kept}, is_object, {cleaning} FROM ({frame}))))"""
