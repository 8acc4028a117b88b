"""What a made history holds, counted while it is made: the numbers that the rest of the platform must arrive at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cdp.events import EVENT_TYPES, REASONS
from source_server.history.rows import PLACES, Row

_TYPE, _USER, _TIME = PLACES["event_type"], PLACES["user_id"], PLACES["event_time"]


@dataclass
class Summary:
    """rows = events + dirty + duplicates. Types, days and customers are those of the events, each counted once."""

    rows: int = 0
    duplicates: int = 0
    late: int = 0
    types: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    dirty: Counter[str] = field(default_factory=Counter)
    _users: set[str] = field(default_factory=set, repr=False)

    @property
    def events(self) -> int:
        return self.types.total()

    @property
    def customers(self) -> int:
        return len(self._users)

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.rows += 1
            if row.dirt:
                self.dirty[row.dirt] += 1
            elif row.copy:
                self.duplicates += 1
            else:
                self._add_event(row)

    def _add_event(self, row: Row) -> None:
        self.late += row.late
        self.types[row.values[_TYPE] or ""] += 1
        self.days[(row.values[_TIME] or "")[:10]] += 1
        self._users.add(row.values[_USER] or "")

    def __str__(self) -> str:
        facts = [
            ("rows", self.rows),
            ("events", self.events),
            *((f"  {name}", self.types[name]) for name in EVENT_TYPES),
            ("customers", self.customers),
            ("days", len(self.days)),
            ("duplicates", self.duplicates),
            ("late", self.late),
            ("dirty", self.dirty.total()),
            *((f"  {reason.code}", self.dirty[reason.code]) for reason in REASONS),
        ]
        lines = [f"{name:<20}{count:>10,}" for name, count in facts]
        return "\n".join([*lines, f"from {min(self.days, default='no day')} to {max(self.days, default='no day')}"])
