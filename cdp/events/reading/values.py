"""SQL that turns the text of a field into its value. A value is null if its text is missing or invalid."""

from __future__ import annotations

from cdp.events.fields import NUMBER, TIME, WHOLE, Bounds
from cdp.events.reading.sql import literal
from cdp.kinds import MONEY, PRICE

#: The leading `2019-10-01 12:00:00` of a time of the right form. The fraction is cut to microseconds.
_LOCAL = "try_cast(left(event_time, 19) AS TIMESTAMP)"
_FRACTION = r"CAST(left(regexp_extract(event_time, '\.(\d+)', 1) || '000000', 6) AS BIGINT)"
_OFFSET = r"regexp_extract(event_time, '([+-])(\d\d):?(\d\d)?$', ['sign', 'hours', 'minutes'])"
_MINUTES = (
    "CASE WHEN o.sign IS NULL OR o.sign = '' THEN 0"
    " WHEN coalesce(try_cast(o.minutes AS INTEGER), 0) > 59 THEN NULL"
    " WHEN CAST(o.hours AS INTEGER) * 60 + coalesce(try_cast(o.minutes AS INTEGER), 0) > 18 * 60 THEN NULL"
    " ELSE (CAST(o.hours AS INTEGER) * 60 + coalesce(try_cast(o.minutes AS INTEGER), 0))"
    " * CASE o.sign WHEN '-' THEN -1 ELSE 1 END END"
)
TIME_VALUE = f"""
    CASE WHEN event_time IS NULL OR NOT regexp_matches(event_time, {literal(TIME)}) OR contains(event_time, '24:00:00') THEN NULL
         WHEN strlen(event_time) = 20 OR (strlen(event_time) = 23 AND suffix(event_time, ' UTC')) THEN {_LOCAL}
         ELSE list_transform([{_OFFSET}],
              lambda o: {_LOCAL} + to_microseconds({_FRACTION}) - to_minutes(CAST({_MINUTES} AS BIGINT)))[1]
    END"""


def _make_money_value(text: str, kind: str) -> str:
    """Rounded half up to cents: trackers send binary fractions of a price, such as 17.990000000000002. A number with an exponent
    is written out first, because DuckDB's own parsing loses digits of long numbers."""
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


PRICE_VALUE, AMOUNT_VALUE = _make_money_value("price", PRICE), _make_money_value("amount", MONEY)

_CENTS = "CAST(CAST(v_amount AS DECIMAL(20, 2)) * 100 AS BIGINT)"
#: The price of one of several units, rounded half up; null if it has too many digits for a price.
UNIT_PRICE = f"""
    CASE WHEN price IS NULL AND v_amount IS NOT NULL THEN
        try_cast(CAST(({_CENTS} * 2 + v_quantity) // (v_quantity * 2) AS DECIMAL(20, 0)) * 0.01 AS {PRICE})
    END"""


def make_quantity_value(bounds: Bounds) -> str:
    """A missing quantity is 1."""
    number = "try_cast(split_part(quantity, '.', 1) AS INTEGER)"
    return f"""
        CASE WHEN quantity IS NULL THEN 1
             WHEN regexp_matches(quantity, {literal(WHOLE)}) AND {number} BETWEEN 1 AND {bounds.max_quantity} THEN {number} END"""


def clean_text(text: str) -> str:
    """Control characters are white space. JSON can hold them only as escapes, so only messages with escapes are searched."""
    spaced = f"regexp_replace({text}, '[\\x00-\\x20\\x7f]+', ' ', 'g')"
    return f"CASE WHEN has_escapes THEN {spaced} ELSE {text} END"


def trim_text(text: str) -> str:
    """An empty text is no value. Most texts have no space at an end, and the test is cheaper than trimming."""
    return f"CASE WHEN {text} < '!' OR suffix({text}, ' ') THEN nullif(trim({text}, ' '), '') ELSE {text} END"


def lower_text(text: str) -> str:
    """Lower case as Python and Java have it."""
    return f"CASE WHEN contains({text}, 'Σ') OR contains({text}, 'İ') THEN lower_text({text}) ELSE lower({text}) END"
