"""Periods end on the published day, never today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

PERIODS = (7, 28, 60, 90)
DEFAULT_PERIOD = 28


@dataclass(frozen=True, slots=True)
class Period:
    """Days from first to last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> Period:
        """The period of the same length that ends the day before this one begins."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


def build_period(last: date, days: int) -> Period:
    return Period(last - timedelta(days=days - 1), last)


def parse_period_days(text: str | None) -> int:
    """The length in days; lengths that are not offered are refused."""
    if not text:
        return DEFAULT_PERIOD
    if text not in {str(days) for days in PERIODS}:
        raise ValueError(f"choose one of these periods: {', '.join(str(days) for days in PERIODS)} days.")
    return int(text)
