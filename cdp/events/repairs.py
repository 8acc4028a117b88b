"""What a replay of quarantined messages may change, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass

#: A value that stands for no value.
NULL = "null"
#: Bound -> the least and greatest value allowed. Beyond these, later stores fail: a text of more than 500 characters may not fit
#: an index of Postgres. The greatest worth of one purchase can't be changed, or the sums of money would not fit.
BOUND_LIMITS = {"MAX_TEXT": (1, 500), "MAX_QUANTITY": (1, 1_000_000), "MAX_AHEAD_HOURS": (0, 87_600)}
#: The bound that is a day, and the first and last day allowed.
DAY_BOUND = "EARLIEST_DAY"
FIRST_DAY, LAST_DAY = "1900-01-01", "2100-01-01"
BOUND_NAMES = (*BOUND_LIMITS, DAY_BOUND)


@dataclass(frozen=True, slots=True)
class TextChange:
    """One change of one field's text."""

    option: str  # map, set-default or set
    field: str
    value: str | None
    old: str = ""  # for a map: the text that is replaced

    def __str__(self) -> str:
        field = f"{self.field}:{self.old}" if self.old else self.field
        return f"{field}={NULL if self.value is None else self.value}"
