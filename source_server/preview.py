"""Looks into an event file without taking it in: how many rows, of which types and times, and the first as events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.compute as pc

from source_server.columns import PAYLOAD, lines_of, with_source
from source_server.readers import batches, name_of
from source_server.times import TimeRange, time_range

SHOWN_ROWS = 5
SHOWN_TYPES = 10


@dataclass
class Preview:
    """What a load of this file would send."""

    name: str
    rows: int = 0
    kept_whole: int = 0  # lines that are no flat object of event fields
    times: TimeRange = field(default_factory=TimeRange)
    types: Counter[str] = field(default_factory=Counter)
    lines: list[bytes] = field(default_factory=list)

    def __str__(self) -> str:
        types = ", ".join(f"{name} {count:,}" for name, count in self.types.most_common(SHOWN_TYPES))
        whole = f", {self.kept_whole:,} of them kept as they came" if self.kept_whole else ""
        shown = "\n".join(f"  {line.decode(errors='replace')}" for line in self.lines)
        return f"{self.name}: {self.rows:,} rows from {self.times.first} to {self.times.last}{whole}; {types}\n{shown}"


def preview(path: Path) -> Preview:
    """Reads the whole file, in bounded memory, so that what would refuse it later refuses it now."""
    found = Preview(name_of(path))
    for batch in batches(path):
        if len(found.lines) < SHOWN_ROWS:
            found.lines += lines_of(with_source(batch.slice(0, SHOWN_ROWS - len(found.lines)), found.name))
        found.rows += batch.num_rows
        found.kept_whole += batch.num_rows - batch.column(PAYLOAD).null_count
        found.times |= time_range(batch.column("event_time"))
        for counted in pc.value_counts(batch.column("event_type").drop_null()).to_pylist():
            found.types[counted["values"]] += counted["counts"]
    return found
