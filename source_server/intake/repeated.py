"""Rows of a file that say once more what a row before them says: which they are, and the id that keeps one of them.

Two rows are equal where all is equal that an event's own id would be made of, and no id is given. Of each row a number of eight
bytes is remembered, so that a file of any size is read once; the line itself is looked at only where it repeats another.
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
from cdp.events.fields import IDENTITY, IDENTITY_LATER, MONEY_SCALE, EventField

Numbers = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
#: 16 MB of marks: of a file with a million rows one number in twenty is looked for in vain.
MARK_BITS = 24
FANOUT = 4

#: The number of a row that is no event, or has an id.
NONE = 0
_CENT = Decimal(1).scaleb(-MONEY_SCALE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPACES = re.compile("[\x00-\x20\x7f]+")


@dataclass(slots=True)
class Seen:
    """The numbers of all rows so far, in sorted runs. `marks` has a byte for each beginning of a number: most new ones begin as
    none did before, and are looked for in no run."""

    runs: list[Numbers] = field(default_factory=list)
    marks: Marks = field(default_factory=lambda: np.zeros(1 << MARK_BITS, np.bool_))

    def add(self, numbers: Numbers) -> tuple[Rows, Rows]:
        """The rows, of these, whose number came before, here or earlier; and which time it is: 2 or more."""
        begins = (numbers >> np.uint64(64 - MARK_BITS)).astype(np.int64)
        maybe = np.sort(numbers[self.marks[begins] & (numbers != NONE)])
        self.marks[begins] = True
        new = np.sort(numbers[numbers != NONE])
        before = [maybe[run[np.minimum(np.searchsorted(run, maybe), len(run) - 1)] == maybe] for run in self.runs]
        rows, times = self._told(numbers, np.unique(np.concatenate([new[1:][new[1:] == new[:-1]], *before])))
        self._keep(new)
        return rows, times

    def _told(self, numbers: Numbers, repeated: Numbers) -> tuple[Rows, Rows]:
        if not len(repeated):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        place = np.minimum(np.searchsorted(repeated, numbers), len(repeated) - 1)
        rows = np.flatnonzero(repeated[place] == numbers)
        which = place[rows]
        before = sum(
            (np.searchsorted(run, repeated, "right") - np.searchsorted(run, repeated) for run in self.runs),
            np.zeros(len(repeated), np.int64),
        )
        times = before[which] + _turns(which) + 1
        return rows[times > 1], times[times > 1]

    def _keep(self, new: Numbers) -> None:
        """Few runs, and each number sorted few times: runs of about one length become one when there are four."""
        if len(new):
            self.runs.append(new)
        while len(self.runs) >= FANOUT and len(self.runs[-FANOUT]) < FANOUT * len(self.runs[-1]):
            self.runs[-FANOUT:] = [np.sort(np.concatenate(self.runs[-FANOUT:]))]


def _turns(groups: Rows) -> Rows:
    """How often each one's group came before it."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    turns = np.empty(len(groups), np.int64)
    turns[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return turns


def with_own_id(line: bytes, at: datetime, time: int) -> bytes:
    """The message of the row that says this for the n-th time, as an event of its own. The id stands in front, where it counts
    although an empty one may follow."""
    start = line.index(b"{") + 1
    own = json.dumps(f"row:{known_by(line, at)}:{time}")
    return b'{"event_id":' + own.encode() + b"," + line[start:]


def known_by(line: bytes, at: datetime) -> str:
    """What the parser will know the event by where it has no id, from the values that it will make of the texts."""
    texts = _texts(line)
    values = {each.name: _value(each, texts.get(each.name), at) for each in FIELDS if each.name in IDENTITY}
    if values["price"] is None and values["amount"] is not None:
        values["price"] = _cents(Decimal(values["amount"]) / int(values["quantity"] or 1))
    parts = [_part(value, name in IDENTITY_LATER) for name, value in values.items()]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:32]


def _texts(line: bytes) -> dict[str, str]:
    """Texts without white space around them; a control character is white space, and nothing left is no value."""
    pairs: list[tuple[str, Any]] = json.loads(line, parse_float=str, parse_int=str, object_pairs_hook=list)
    texts: dict[str, str] = {}
    for key, value in pairs:  # of a key that comes twice the first counts
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        texts.setdefault(key, (_SPACES.sub(" ", text) if b"\\" in line else text).strip(" "))
    return {key: text for key, text in texts.items() if text}


def _value(each: EventField, text: str | None, at: datetime) -> str | None:
    if each.kind == "time":
        return str((at - _EPOCH) // timedelta(microseconds=1))
    if each.kind == "quantity":
        return str(int((text or "1").split(".")[0]))
    if text is None:
        return None
    if each.kind in ("money", "amount"):
        return _cents(Decimal(text))
    return text.lower() if each.name == "brand" else text


def _cents(money: Decimal) -> str:
    return f"{money.quantize(_CENT, ROUND_HALF_UP):f}"


def _part(value: str | None, later: bool) -> str:
    """Length and text, so that no two rows of values read the same when they are put together."""
    if value is None:
        return "" if later else "-"
    return f"{len(value)}:{value}"
