"""A piece of a file between reading and judging: rows that could be read, and lines that are kept whole."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from source_server.intake.refusal import FileRefused
from source_server.intake.stream import MAX_LINE_BYTES

Places = npt.NDArray[np.int64]


def no_places() -> Places:
    return np.zeros(0, np.int64)


@dataclass(slots=True)
class WholeLines:
    """Unchanged lines without line ends. `faults` says, by place, what is wrong with a line."""

    lines: pa.Array = field(default_factory=lambda: pa.array([], pa.binary()))
    places: Places = field(default_factory=no_places)
    faults: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Block:
    """Rows as columns of text, each with its place in the file. `fraction` is the part of the file read up to here."""

    table: pa.Table | None = None
    places: Places = field(default_factory=no_places)
    whole_lines: WholeLines = field(default_factory=WholeLines)
    fraction: float | None = None

    @property
    def rows(self) -> int:
        return len(self.places) + len(self.whole_lines.places)


def split_lines(data: bytes, number: int, name: str) -> Block:
    """All lines that are not blank, without their ends."""
    texts, places = [], []
    for place, line in enumerate(data.split(b"\n")[:-1], start=number):
        if len(line) > MAX_LINE_BYTES:
            raise FileRefused(f"{name}: line {place:,} is longer than {MAX_LINE_BYTES:,} bytes.")
        if line and not line.isspace():
            texts.append(line.removesuffix(b"\r"))
            places.append(place)
    return Block(whole_lines=WholeLines(pa.array(texts, pa.binary()), np.array(places, np.int64)))
