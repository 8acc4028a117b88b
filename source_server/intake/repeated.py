"""Finds rows of a file that repeat an earlier row, and makes the ids that keep them as separate events.

Two rows are equal if they have no event id and all values from which the parser would make one are equal. For each row only a
number of eight bytes is stored, so a file of any size is read once; a line itself is parsed only if it repeats another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cdp.events.reading import MESSAGES_SCHEMA, EventReader

Numbers = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
#: 16 MB of marks: in a file of a million rows, one number in twenty is searched for in vain.
MARK_BITS = 24
FANOUT = 4

#: The number of a row that is no event or has an id.
NONE = 0


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


def add_row_id(line: bytes, event_id: str, time: int) -> bytes:
    """The message of the n-th occurrence of a row, as a separate event. The id comes first, so it counts even if an empty one
    follows."""
    start = line.index(b"{") + 1
    return b'{"event_id":' + json.dumps(f"row:{event_id}:{time}").encode() + b"," + line[start:]


def compute_ids(reader: EventReader, lines: pa.Array, now: datetime) -> list[str]:
    """The ids that the stream will compute for events without one."""
    schema, count = MESSAGES_SCHEMA, len(lines)
    values = {"value": lines, "topic": [""] * count, "partition": [0] * count, "offset": range(count), "timestamp": [now] * count}
    messages = pa.record_batch([pa.array(values[each.name], each.type) for each in schema], schema=schema)
    ids: list[str] = reader.read(messages).events.column("event_id").to_pylist()
    return ids
