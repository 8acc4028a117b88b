"""The query that reads texts as events: each step is a query over the previous one.

A frame is a query with a text column for each field, `is_object`, `received_at`, and further columns that are kept. If texts may
hold control characters, it has `has_escapes` too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce

from cdp.events import FIELD_NAMES
from cdp.events.fields import BOUNDS, IDENTITY, IDENTITY_LATER, Bounds
from cdp.events.reading.checks import make_checks
from cdp.events.reading.sql import literal
from cdp.events.reading.values import (
    AMOUNT_VALUE,
    PRICE_VALUE,
    TIME_VALUE,
    UNIT_PRICE,
    clean_text,
    lower_text,
    make_quantity_value,
    trim_text,
)
from cdp.events.repairs import TextChange
from cdp.kinds import MONEY

_PRICE = "coalesce(v_price, unit_price)"
#: Field -> SQL of the value that identifies an event, for fields whose text may be written in several ways.
_IDENTITY_VALUES = {
    "event_time": "epoch_us(v_time)",
    "brand": "v_brand",
    "price": _PRICE,
    "amount": "v_amount",
    "quantity": "v_quantity",
}
LEVELS = 3


@dataclass(frozen=True, slots=True)
class Texts:
    """A frame and what is known about its texts. Less cleaning is less work: `spaced` are the fields whose texts may start or end
    with a space."""

    frame: str
    kept: Sequence[str] = ()
    has_escapes: bool = True
    spaced: Collection[str] = FIELD_NAMES


def check_texts(texts: Texts, bounds: Bounds = BOUNDS, changes: Sequence[TextChange] = ()) -> str:
    """A query of the kept columns, the trimmed texts, their values (`v_`) and `code`: the number of the failed check, or 0."""
    kept = ", ".join((*texts.kept, "is_object", "received_at"))
    cleaned = ", ".join(f"{_repair(name, _trim(name, texts.spaced), changes)} AS {name}" for name in FIELD_NAMES)
    frame = texts.frame
    if texts.has_escapes:
        frame = f"SELECT {kept}, {', '.join(f'{clean_text(name)} AS {name}' for name in FIELD_NAMES)} FROM ({frame})"
    whens = " ".join(f"WHEN {check.fails} THEN {number}" for number, check in enumerate(make_checks(bounds), start=1))
    return f"""
        SELECT *, CAST(CASE {whens} ELSE 0 END AS UTINYINT) AS code
        FROM (SELECT *, {UNIT_PRICE} AS unit_price
        FROM (SELECT *, {TIME_VALUE} AS v_time, {PRICE_VALUE} AS v_price, {AMOUNT_VALUE} AS v_amount,
            {make_quantity_value(bounds)} AS v_quantity, {lower_text("brand")} AS v_brand
        FROM (SELECT {kept}, {cleaned} FROM ({frame}))))"""


def read_columns(texts: Texts, bounds: Bounds = BOUNDS, changes: Sequence[TextChange] = ()) -> str:
    """A query of the kept columns, `code`, `fault` (the text that a check refuses) and the columns of an event."""
    columns = {
        "event_day": "CAST(v_time AS DATE)",
        "event_time": "v_time",
        **{f"category_{level}": f"nullif(split_part(category_code, '.', {level}), '')" for level in range(1, LEVELS + 1)},
        "brand": "v_brand",
        "price": _PRICE,
        "quantity": "CAST(v_quantity AS INTEGER)",
        "amount": "v_amount",
        "revenue": _REVENUE,
        "order_id": _ORDER,
    }
    plain = [name for name in FIELD_NAMES if name not in columns and name != "currency"]
    kept = "".join(f"{name}, " for name in texts.kept)
    values = ", ".join([*plain, *(f"{value} AS {name}" for name, value in columns.items())])
    return f"""
        SELECT {kept}code, {_make_fault(bounds)} AS fault, {values}
        FROM (SELECT * REPLACE ({_ID} AS event_id) FROM ({check_texts(texts, bounds, changes)}))"""


#: SQL of a number that is equal for two messages without an id if they would get the same one; 0 for a message with an id.
SAME = (
    "CASE WHEN event_id IS NULL THEN "
    f"hash({', '.join(_IDENTITY_VALUES.get(name, name) for name in IDENTITY)}) ELSE 0::UBIGINT END"
)


def _repair(name: str, text: str, changes: Sequence[TextChange]) -> str:
    def apply(sql: str, change: TextChange) -> str:
        value = literal(change.value) if change.value is not None else "NULL::VARCHAR"
        if change.option == "map":
            return f"CASE WHEN {sql} = {literal(change.old)} THEN {value} ELSE {sql} END"
        return f"coalesce({sql}, {value})" if change.option == "set-default" else value

    return reduce(apply, [change for change in changes if change.field == name], text)


def _trim(name: str, spaced: Collection[str]) -> str:
    return trim_text(name) if name in spaced else f"nullif({name}, '')"


def _make_part(name: str) -> str:
    """Length and text, so that two different rows of values never give the same concatenation."""
    value, missing = _IDENTITY_VALUES.get(name, name), "" if name in IDENTITY_LATER else "-"
    text = f"CAST({value} AS VARCHAR)" if name in _IDENTITY_VALUES and name != "brand" else value
    return f"CASE WHEN {value} IS NULL THEN '{missing}' ELSE concat(length({text}), ':', {text}) END"


def _make_fault(bounds: Bounds) -> str:
    """The text of the field whose check fails. The checks of a field follow each other, so few comparisons are made."""
    checks = make_checks(bounds)
    last = {number: check.field for number, check in enumerate(checks, start=1) if check.field}
    ends = [number for number in last if last.get(number + 1) != last[number]]
    whens = " ".join(f"WHEN code <= {number} THEN {last[number]}" for number in ends)
    return f"CASE WHEN code <= 1 THEN NULL {whens} END"


_ID = f"""
    CASE WHEN event_id IS NULL AND code = 0 THEN left(sha256(concat({", ".join(map(_make_part, IDENTITY))})), 32)
         ELSE event_id END"""
_WORTH = f"""
    coalesce(v_amount,
        CASE WHEN quantity IS NULL THEN CAST(v_price AS {MONEY}) ELSE CAST(v_price * v_quantity AS {MONEY}) END)"""
_REVENUE = f"""
    CASE WHEN code <> 0 THEN NULL WHEN event_type = 'purchase' THEN {_WORTH} WHEN event_type = 'refund' THEN -({_WORTH}) END"""
_ORDER = """
    CASE WHEN order_id IS NOT NULL OR event_type <> 'purchase' THEN order_id
         ELSE coalesce('s:' || user_session, 'e:' || event_id) END"""
