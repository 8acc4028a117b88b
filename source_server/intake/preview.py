"""Looks into a file without taking it in: the first events, the account, from when to when, and of which types."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow.compute as pc

from source_server.intake.account import Account
from source_server.intake.chunks import Chunk, chunks
from source_server.intake.mapping import Mapping

SHOWN_ROWS = 5
SHOWN_TIME = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(slots=True)
class Preview:
    """What a load of this file would send."""

    name: str
    mapping: str
    account: Account = field(default_factory=Account)
    first: datetime | None = None
    last: datetime | None = None
    types: Counter[str] = field(default_factory=Counter)
    lines: list[bytes] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        self.account += chunk.account
        self.types.update(chunk.types)
        if len(self.lines) < SHOWN_ROWS:
            self.lines += chunk.lines.slice(0, SHOWN_ROWS - len(self.lines)).to_pylist()
        found = pc.min_max(chunk.times)
        firsts = [time for time in (self.first, found["min"].as_py()) if time]
        lasts = [time for time in (self.last, found["max"].as_py()) if time]
        self.first, self.last = min(firsts, default=None), max(lasts, default=None)

    def __str__(self) -> str:
        shown = [_event(line) for line in self.lines]
        span = [f"{time:{SHOWN_TIME}}" if time else "none" for time in (self.first, self.last)]
        types = [(name, f"{count:,}") for name, count in self.types.most_common()]
        wide, digits = max((len(n) for n, _ in types), default=0), max((len(c) for _, c in types), default=0)
        listed = "\n".join(f"  {name:<{wide}}  {count:>{digits}}" for name, count in types) or "  none"
        parts = {
            f"{self.name}, read by {self.mapping}": "",
            "The first rows as events": "\n".join(shown),
            "What becomes of the rows": _indented(str(self.account)),
            f"From {span[0]} to {span[1]}": "",
            "Events by type": listed,
        }
        return "\n\n".join(f"{title}\n{text}".rstrip() for title, text in parts.items())


def preview(path: Path, mapping: Mapping, source: str, now: datetime) -> Preview:
    """Reads the whole file, so that what would refuse it later refuses it now."""
    found = Preview(path.name, "the contract's own names" if mapping.identity else mapping.name)
    for chunk in chunks(path, mapping, source, now):
        found.add(chunk)
    return found


def _event(line: bytes) -> str:
    """A field a line reads better than one long line; what is no object is shown as it is."""
    try:
        event: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        return "  " + line.decode(errors="replace").rstrip()
    return "  " + "  ".join(f"{key}={value}" for key, value in event.items())


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())
