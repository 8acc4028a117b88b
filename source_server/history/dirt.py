"""What goes wrong on the way: rows that will be refused, rows sent twice, rows that come late.

One way of going wrong a row, so that what the stream must refuse is known of the row.
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
#: The fate of a row: 0 nothing, a copy, late, and from DIRTY on the place of the reason in CODES that it is refused for.
COPY, LATE, DIRTY = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Spoil:
    """A value that takes the place of a column's own, and the reason such a row is refused for."""

    code: str
    column: str
    value: str | None


#: Reason by reason, in the order of the contract. A line that is broken has a value of its own; see _line.
SPOILS = (
    Spoil("not_json", "payload", None),
    *(Spoil("missing", column, None) for column in ("event_time", "event_type", "product_id", "price", "user_id")),
    *(Spoil("missing", column, "") for column in ("event_time", "event_type", "product_id", "price", "user_id")),
    *(Spoil("bad_time", "event_time", value) for value in ("2019-10-05 12:00:00", "05/10/2019", "yesterday")),
    *(Spoil("bad_time", "event_time", value) for value in ("1970-01-01 00:00:00 UTC", "9999-12-31 23:59:59 UTC")),
    *(Spoil("bad_type", "event_type", value) for value in ("wishlist", "page_view", "click")),
    *(Spoil("bad_price", "price", value) for value in ("-5.00", "free", "12345678901.00", "NaN", "19,99")),
    *(Spoil("bad_quantity", "quantity", value) for value in ("0", "-1", "1.5", "two")),
    Spoil("too_long", "brand", "x" * (MAX_TEXT + 1)),
    Spoil("too_long", "user_session", "0" * (MAX_TEXT * 5)),
)
CODES = tuple(dict.fromkeys(spoil.code for spoil in SPOILS))


@dataclass(frozen=True)
class Accidents:
    """For each row that is sent: which one of the events it is, its fate, its second of arrival, how it is spoilt."""

    row: Ints
    fate: Ints
    arrives: Ints
    spoil: Ints  # place in SPOILS, -1: not at all


def accidents(rng: np.random.Generator, second: Ints, lines: bool) -> Accidents:
    """What becomes of events that happened at these seconds of the day. Copies stand at the end."""
    chance, rows = rng.random(len(second)), np.arange(len(second))
    accident = np.searchsorted(np.cumsum([DIRTY_SHARE, COPY_SHARE, LATE_SHARE]), chance, side="right")
    dirty, copied, late = (rows[accident == place] for place in range(3))
    arrives, spoil, fate = second.copy(), np.full(len(second), -1), np.zeros(len(second), np.int64)
    spoil[dirty] = _ways(rng, len(dirty))
    fate[dirty] = DIRTY + _reasons(lines)[spoil[dirty]]
    fate[late] = LATE
    arrives[late] += _delays(rng, second[late])
    again = np.minimum(second[copied] + rng.integers(1, 901, len(copied)), SECONDS_A_DAY - 1)
    return Accidents(
        row=np.append(rows, copied),
        fate=np.append(fate, np.full(len(copied), COPY)),
        arrives=np.append(arrives, again),
        spoil=np.append(spoil, np.full(len(copied), -1)),
    )


def _ways(rng: np.random.Generator, size: int) -> Ints:
    """Places in SPOILS: every reason as often as the others, and so every way of a reason."""
    ways = [[place for place, spoil in enumerate(SPOILS) if spoil.code == code] for code in CODES]
    counts = np.array([len(places) for places in ways])
    reason = rng.integers(0, len(CODES), size)
    return (np.cumsum(counts) - counts)[reason] + (rng.random(size) * counts[reason]).astype(np.int64)


def _reasons(lines: bool) -> Ints:
    """For each of SPOILS the place of its reason. A row that breaks off lacks its price and its customer."""
    codes = [spoil.code if lines or spoil.column != "payload" else "missing" for spoil in SPOILS]
    return np.array([CODES.index(code) for code in codes])


def _delays(rng: np.random.Generator, second: Ints) -> Ints:
    """Half come some hours later on the same day, half on one of the next days."""
    hours = np.minimum(rng.integers(600, 6 * 3600 + 1, len(second)), SECONDS_A_DAY - 1 - second)
    days = rng.integers(1, MAX_LATE_DAYS + 1, len(second)) * SECONDS_A_DAY
    return np.where(rng.random(len(second)) < 0.5, hours, days)


def spoilt(columns: Columns, spoil: Ints, lines: bool) -> Columns:
    """The columns with the values that dirt puts in the place of theirs. Where a file can't keep a broken line as it is
    (`lines` is false), such a row breaks off after the first digits of its product."""
    after = dict(columns)
    for column in sorted({one.column for one in SPOILS} - {"payload"}):
        hit = np.isin(spoil, [place for place, one in enumerate(SPOILS) if one.column == column])
        after[column] = _replaced(after[column], hit, [SPOILS[place].value for place in spoil[hit].tolist()])
    broken = spoil == _BROKEN
    rows = list(zip(*(after[name].filter(pa.array(broken)).to_pylist() for name in _LEFT), strict=True))
    kept = {"payload": [_line(place, *row) for place, row in enumerate(rows)]} if lines else _beginnings(rows)
    nothing = [None] * len(rows)
    return {name: _replaced(after[name], broken, kept.get(name, nothing)) for name in COLUMNS}


_BROKEN = next(place for place, spoil in enumerate(SPOILS) if spoil.column == "payload")
#: What a broken line still tells.
_LEFT = ("event_time", "event_type", "product_id", "user_id")


def _replaced(column: pa.Array, hit: Flags, values: Sequence[str | None]) -> pa.Array:
    return pc.replace_with_mask(column, pa.array(hit), pa.array(values, pa.string())) if len(values) else column


def _beginnings(rows: list[tuple[str, str, str, str]]) -> dict[str, Sequence[str | None]]:
    return {
        "event_time": [time for time, _, _, _ in rows],
        "event_type": [event_type for _, event_type, _, _ in rows],
        "product_id": [product[: 1 + int(user) % 4] for _, _, product, user in rows],
    }


def _line(place: int, time: str, event_type: str, product: str, user: str) -> str:
    """A line of JSON that is a list, or that broke off, as when a tracker dies in the middle of writing."""
    if place % 2:
        return f'["{time}","{event_type}","{product}"]'
    line = f'{{"event_time":"{time}","event_type":"{event_type}","product_id":"{product}","user_id":"{user}"'
    return line[: 20 + int(user) % (len(line) - 20)]
