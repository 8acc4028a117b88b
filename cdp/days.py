"""Days, always in UTC. A job is a function of a day; nothing here reads the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta


def day_from_text(text: str) -> date:
    """Parse a day written as YYYY-MM-DD; no other form is accepted."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(f"{text!r} is not a day; write it as YYYY-MM-DD, for example 2019-10-31.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the calendar.") from None


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from first to last, both included."""
    if last < first:
        raise ValueError(f"the range ends ({last}) before it begins ({first}).")
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The instant when the day begins, and the instant when the next day begins."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start, start + timedelta(days=1)
