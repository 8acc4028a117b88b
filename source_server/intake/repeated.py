"""Finds rows of a file that repeat an earlier row, and makes the ids that keep them as separate events.

Two rows are equal if they have no event id and all values from which the parser would make one are equal. For each row only a
number of eight bytes is stored, so a file of any size is read once; a line itself is parsed only if it repeats another.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from cdp.events import FIELDS
from cdp.events.fields import IDENTITY, IDENTITY_LATER, EventField
from cdp.kinds import MONEY_SCALE

Numbers = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
#: 16 MB of marks: in a file of a million rows, one number in twenty is searched for in vain.
MARK_BITS = 24
FANOUT = 4

#: The number of a row that is no event or has an id.
NONE = 0
_CENT = Decimal(1).scaleb(-MONEY_SCALE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPACES = re.compile("[\x00-\x20\x7f]+")


@dataclass(slots=True)
class RepeatFinder:
    """Stores the numbers of all rows so far in sorted runs. `marks` has a byte for each prefix of a number: most new numbers have
    a new prefix and are searched for in no run."""

    runs: list[Numbers] = field(default_factory=list)
    marks: Marks = field(default_factory=lambda: np.zeros(1 << MARK_BITS, np.bool_))

    def add(self, numbers: Numbers) -> tuple[Rows, Rows]:
        """The rows whose number came before, in this call or earlier, and for each its occurrence: 2 or more."""
        begins = (numbers >> np.uint64(64 - MARK_BITS)).astype(np.int64)
        maybe = np.sort(numbers[self.marks[begins] & (numbers != NONE)])
        self.marks[begins] = True
        new = np.sort(numbers[numbers != NONE])
        before = [maybe[run[np.minimum(np.searchsorted(run, maybe), len(run) - 1)] == maybe] for run in self.runs]
        rows, times = self._count_occurrences(numbers, np.unique(np.concatenate([new[1:][new[1:] == new[:-1]], *before])))
        self._store(new)
        return rows, times

    def _count_occurrences(self, numbers: Numbers, repeated: Numbers) -> tuple[Rows, Rows]:
        if not len(repeated):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        place = np.minimum(np.searchsorted(repeated, numbers), len(repeated) - 1)
        rows = np.flatnonzero(repeated[place] == numbers)
        which = place[rows]
        before = sum(
            (np.searchsorted(run, repeated, "right") - np.searchsorted(run, repeated) for run in self.runs),
            np.zeros(len(repeated), np.int64),
        )
        times = before[which] + _count_earlier(which) + 1
        return rows[times > 1], times[times > 1]

    def _store(self, new: Numbers) -> None:
        """Four runs of about the same length are merged into one, so there are few runs and each number is sorted few times."""
        if len(new):
            self.runs.append(new)
        while len(self.runs) >= FANOUT and len(self.runs[-FANOUT]) < FANOUT * len(self.runs[-1]):
            self.runs[-FANOUT:] = [np.sort(np.concatenate(self.runs[-FANOUT:]))]


def _count_earlier(groups: Rows) -> Rows:
    """For each element, how often its group came before it."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    counts = np.empty(len(groups), np.int64)
    counts[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return counts


def add_row_id(line: bytes, at: datetime, time: int) -> bytes:
    """The message of the n-th occurrence of a row, as a separate event. The id comes first, so it counts even if an empty one
    follows."""
    start = line.index(b"{") + 1
    row_id = json.dumps(f"row:{compute_row_id(line, at)}:{time}")
    return b'{"event_id":' + row_id.encode() + b"," + line[start:]


def compute_row_id(line: bytes, at: datetime) -> str:
    """The id that the parser will compute for an event without one, from the values that it will make of the texts."""
    texts = _read_texts(line)
    values = {each.name: _normalise(each, texts.get(each.name), at) for each in FIELDS if each.name in IDENTITY}
    if values["price"] is None and values["amount"] is not None:
        values["price"] = _round_to_cents(Decimal(values["amount"]) / int(values["quantity"] or 1))
    parts = [_make_part(value, name in IDENTITY_LATER) for name, value in values.items()]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:32]


def _read_texts(line: bytes) -> dict[str, str]:
    """Trimmed texts. Control characters are white space, and an empty text is no value."""
    pairs: list[tuple[str, Any]] = json.loads(line, parse_float=str, parse_int=str, object_pairs_hook=list)
    texts: dict[str, str] = {}
    for key, value in pairs:  # if a key repeats, its first value counts
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        texts.setdefault(key, (_SPACES.sub(" ", text) if b"\\" in line else text).strip(" "))
    return {key: text for key, text in texts.items() if text}


def _normalise(each: EventField, text: str | None, at: datetime) -> str | None:
    if each.kind == "time":
        return str((at - _EPOCH) // timedelta(microseconds=1))
    if each.kind == "quantity":
        return str(int((text or "1").split(".")[0]))
    if text is None:
        return None
    if each.kind in ("money", "amount"):
        return _round_to_cents(Decimal(text))
    return text.lower() if each.name == "brand" else text


def _round_to_cents(money: Decimal) -> str:
    return f"{money.quantize(_CENT, ROUND_HALF_UP):f}"


def _make_part(value: str | None, later: bool) -> str:
    """Length and text, so that two different rows of values never give the same concatenation."""
    if value is None:
        return "" if later else "-"
    return f"{len(value)}:{value}"
