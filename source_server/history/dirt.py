"""Adds errors to the history: rows that will be refused, rows sent twice, rows that arrive late.

A row has at most one error, so it is known for each row whether the stream must refuse it and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.events.fields import MAX_TEXT
from source_server.history.rhythm import SECONDS_A_DAY
from source_server.history.rows import COLUMNS, Columns
from source_server.history.seeds import Flags, Ints

DIRTY_SHARE = 0.003
COPY_SHARE = 0.002
LATE_SHARE = 0.004
MAX_LATE_DAYS = 2
#: The fate of a row: 0 for no error, COPY, LATE, or DIRTY plus the index in CODES of the reason for its refusal.
COPY, LATE, DIRTY = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Defect:
    """A wrong value for a column, and the reason for which the row is refused."""

    code: str
    column: str
    value: str | None


#: Sorted by reason, in the order of the contract. The value of a broken line is made by _break_line.
DEFECTS = (
    Defect("not_json", "payload", None),
    *(Defect("missing", column, None) for column in ("event_time", "event_type", "product_id", "price", "user_id")),
    *(Defect("missing", column, "") for column in ("event_time", "event_type", "product_id", "price", "user_id")),
    *(Defect("bad_time", "event_time", value) for value in ("2019-10-05 12:00:00", "05/10/2019", "yesterday")),
    *(Defect("bad_time", "event_time", value) for value in ("1970-01-01 00:00:00 UTC", "9999-12-31 23:59:59 UTC")),
    *(Defect("bad_type", "event_type", value) for value in ("wishlist", "page_view", "click")),
    *(Defect("bad_price", "price", value) for value in ("-5.00", "free", "12345678901.00", "NaN", "19,99")),
    *(Defect("bad_quantity", "quantity", value) for value in ("0", "-1", "1.5", "two")),
    Defect("too_long", "brand", "x" * (MAX_TEXT + 1)),
    Defect("too_long", "user_session", "0" * (MAX_TEXT * 5)),
)
CODES = tuple(dict.fromkeys(defect.code for defect in DEFECTS))


@dataclass(frozen=True)
class Accidents:
    """For each row that is sent: the index of its event, its fate, its second of arrival and its defect."""

    row: Ints
    fate: Ints
    arrives: Ints
    defect: Ints  # index in DEFECTS, -1 for none


def draw_accidents(rng: np.random.Generator, second: Ints, lines: bool) -> Accidents:
    """Draw the errors of events that happened at these seconds of the day. Copies are added at the end."""
    chance, rows = rng.random(len(second)), np.arange(len(second))
    accident = np.searchsorted(np.cumsum([DIRTY_SHARE, COPY_SHARE, LATE_SHARE]), chance, side="right")
    dirty, copied, late = (rows[accident == place] for place in range(3))
    arrives, defect, fate = second.copy(), np.full(len(second), -1), np.zeros(len(second), np.int64)
    defect[dirty] = _draw_defects(rng, len(dirty))
    fate[dirty] = DIRTY + _list_reasons(lines)[defect[dirty]]
    fate[late] = LATE
    arrives[late] += _draw_delays(rng, second[late])
    again = np.minimum(second[copied] + rng.integers(1, 901, len(copied)), SECONDS_A_DAY - 1)
    return Accidents(
        row=np.append(rows, copied),
        fate=np.append(fate, np.full(len(copied), COPY)),
        arrives=np.append(arrives, again),
        defect=np.append(defect, np.full(len(copied), -1)),
    )


def _draw_defects(rng: np.random.Generator, size: int) -> Ints:
    """Indices in DEFECTS. All reasons are equally likely, and so are all defects of one reason."""
    ways = [[place for place, defect in enumerate(DEFECTS) if defect.code == code] for code in CODES]
    counts = np.array([len(places) for places in ways])
    reason = rng.integers(0, len(CODES), size)
    return (np.cumsum(counts) - counts)[reason] + (rng.random(size) * counts[reason]).astype(np.int64)


def _list_reasons(lines: bool) -> Ints:
    """For each of DEFECTS the index of its reason. A row that is cut off lacks its price and its customer."""
    codes = [defect.code if lines or defect.column != "payload" else "missing" for defect in DEFECTS]
    return np.array([CODES.index(code) for code in codes])


def _draw_delays(rng: np.random.Generator, second: Ints) -> Ints:
    """Half arrive up to six hours later on the same day, half on one of the next days."""
    hours = np.minimum(rng.integers(600, 6 * 3600 + 1, len(second)), SECONDS_A_DAY - 1 - second)
    days = rng.integers(1, MAX_LATE_DAYS + 1, len(second)) * SECONDS_A_DAY
    return np.where(rng.random(len(second)) < 0.5, hours, days)


def apply_defects(columns: Columns, defect: Ints, lines: bool) -> Columns:
    """The columns with the values of the defects. If the file can't keep a broken line (`lines` is false), such a row is cut off
    after the first digits of its product."""
    result = dict(columns)
    for column in sorted({one.column for one in DEFECTS} - {"payload"}):
        mask = np.isin(defect, [place for place, one in enumerate(DEFECTS) if one.column == column])
        result[column] = _replace(result[column], mask, [DEFECTS[place].value for place in defect[mask].tolist()])
    broken = defect == _BROKEN
    rows = list(zip(*(result[name].filter(pa.array(broken)).to_pylist() for name in _LEFT), strict=True))
    values = {"payload": [_break_line(place, *row) for place, row in enumerate(rows)]} if lines else _cut_off(rows)
    nothing = [None] * len(rows)
    return {name: _replace(result[name], broken, values.get(name, nothing)) for name in COLUMNS}


_BROKEN = next(place for place, one in enumerate(DEFECTS) if one.column == "payload")
#: The columns that a broken line still has.
_LEFT = ("event_time", "event_type", "product_id", "user_id")


def _replace(column: pa.Array, mask: Flags, values: Sequence[str | None]) -> pa.Array:
    return pc.replace_with_mask(column, pa.array(mask), pa.array(values, pa.string())) if len(values) else column


def _cut_off(rows: list[tuple[str, str, str, str]]) -> dict[str, Sequence[str | None]]:
    return {
        "event_time": [time for time, _, _, _ in rows],
        "event_type": [event_type for _, event_type, _, _ in rows],
        "product_id": [product[: 1 + int(user) % 4] for _, _, product, user in rows],
    }


def _break_line(place: int, time: str, event_type: str, product: str, user: str) -> str:
    """A line of JSON that is a list or is cut off, as if a tracker died while writing."""
    if place % 2:
        return f'["{time}","{event_type}","{product}"]'
    line = f'{{"event_time":"{time}","event_type":"{event_type}","product_id":"{product}","user_id":"{user}"'
    return line[: 20 + int(user) % (len(line) - 20)]
