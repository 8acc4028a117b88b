"""Previews a file without adding it: the first events, the account of its rows, the time range and the event types."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow.compute as pc

from source_server.intake.account import FileAccount
from source_server.intake.chunks import Chunk, read_chunks
from source_server.intake.mapping import Mapping

SHOWN_ROWS = 5
SHOWN_TIME = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(slots=True)
class Preview:
    """What a load of this file would send."""

    name: str
    mapping: str
    account: FileAccount = field(default_factory=FileAccount)
    first: datetime | None = None
    last: datetime | None = None
    types: Counter[str] = field(default_factory=Counter)
    lines: list[bytes] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        self.account += chunk.account
        self.types.update(chunk.types)
        if len(self.lines) < SHOWN_ROWS:
            self.lines += chunk.lines.slice(0, SHOWN_ROWS - len(self.lines)).to_pylist()
        ends = pc.min_max(chunk.times)
        firsts = [time for time in (self.first, ends["min"].as_py()) if time]
        lasts = [time for time in (self.last, ends["max"].as_py()) if time]
        self.first, self.last = min(firsts, default=None), max(lasts, default=None)

    def __str__(self) -> str:
        events = [_format_event(line) for line in self.lines]
        span = [f"{time:{SHOWN_TIME}}" if time else "none" for time in (self.first, self.last)]
        types = [(name, f"{count:,}") for name, count in self.types.most_common()]
        wide, digits = max((len(n) for n, _ in types), default=0), max((len(c) for _, c in types), default=0)
        type_lines = "\n".join(f"  {name:<{wide}}  {count:>{digits}}" for name, count in types) or "  none"
        parts = {
            f"{self.name}, read by {self.mapping}": "",
            "The first rows as events": "\n".join(events),
            "What becomes of the rows": _indent(str(self.account)),
            f"From {span[0]} to {span[1]}": "",
            "Events by type": type_lines,
        }
        return "\n\n".join(f"{title}\n{text}".rstrip() for title, text in parts.items())


def make_preview(path: Path, mapping: Mapping, source: str, now: datetime) -> Preview:
    """Reads the whole file, so a file that can't be loaded is refused now and not later."""
    preview = Preview(path.name, "the contract's own names" if mapping.identity else mapping.name)
    for chunk in read_chunks(path, mapping, source, now):
        preview.add(chunk)
    return preview


def _format_event(line: bytes) -> str:
    """key=value pairs; a line that is no JSON object is shown unchanged."""
    try:
        event: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        return "  " + line.decode(errors="replace").rstrip()
    return "  " + "  ".join(f"{key}={value}" for key, value in event.items())


def _indent(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())
