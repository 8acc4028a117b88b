"""Counts the content of a history while it is generated: the numbers that the rest of the platform must arrive at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from cdp.events import EVENT_TYPES
from source_server.history.dirt import CODES, COPY, DIRTY, LATE
from source_server.history.seeds import Ints


@dataclass
class Summary:
    """rows = events + dirty + duplicates. Types, days and customers are counted over the events, each once."""

    rows: int = 0
    duplicates: int = 0
    late: int = 0
    types: Counter[str] = field(default_factory=Counter)
    days: set[int] = field(default_factory=set)
    dirty: Counter[str] = field(default_factory=Counter)
    _has_customer: np.ndarray = field(default_factory=lambda: np.zeros(0, np.bool_), repr=False)

    @property
    def events(self) -> int:
        return self.types.total()

    @property
    def customers(self) -> int:
        return int(self._has_customer.sum())

    def add(self, table: pa.Table) -> None:
        """Count rows by their TRUTH."""
        fates = np.bincount(table["fate"].to_numpy(), minlength=DIRTY + len(CODES))
        self.rows += len(table)
        self.duplicates += int(fates[COPY])
        self.late += int(fates[LATE])
        self.dirty.update(dict(zip(CODES, fates[DIRTY:].tolist(), strict=True)))
        event = np.isin(table["fate"].to_numpy(), (COPY, *range(DIRTY, DIRTY + len(CODES))), invert=True)
        types = np.bincount(table["type"].to_numpy()[event], minlength=len(EVENT_TYPES))
        self.types.update(dict(zip(EVENT_TYPES, types.tolist(), strict=True)))
        self.days.update(np.unique(table["day"].to_numpy()[event]).tolist())
        self._add_customers(table["customer"].to_numpy()[event])

    def _add_customers(self, customers: Ints) -> None:
        missing = int(customers.max(initial=-1)) + 1 - len(self._has_customer)
        if missing > 0:
            self._has_customer = np.append(self._has_customer, np.zeros(missing, np.bool_))
        self._has_customer[customers] = True

    def __str__(self) -> str:
        facts = [
            ("rows", self.rows),
            ("events", self.events),
            *((f"  {name}", self.types[name]) for name in EVENT_TYPES if self.types[name]),
            ("customers", self.customers),
            ("days", len(self.days)),
            ("duplicates", self.duplicates),
            ("late", self.late),
            ("dirty", self.dirty.total()),
            *((f"  {code}", self.dirty[code]) for code in CODES),
        ]
        lines = [f"{name:<20}{count:>10,}" for name, count in facts]
        first, last = (str(date.fromordinal(edge(self.days))) if self.days else "no day" for edge in (min, max))
        return "\n".join([*lines, f"from {first} to {last}"])
