"""The newest events of a customer by day and visit. Events don't name their session, so a pause separates two visits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from cdp_web.customers.profiles import ProfileEvent

#: A longer pause begins a new visit, as web analytics has it.
PAUSE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Visit:
    """Events without a long pause between them, newest first. The shop books refunds, so they are no visit."""

    events: tuple[ProfileEvent, ...]

    @property
    def is_refund(self) -> bool:
        return self.events[0].type == "refund"

    @property
    def begin(self) -> datetime:
        return self.events[-1].time

    @property
    def end(self) -> datetime:
        return self.events[0].time

    @property
    def spent(self) -> Decimal:
        return sum((event.revenue or Decimal(0) for event in self.events if event.type == "purchase"), Decimal(0))


@dataclass(frozen=True, slots=True)
class TimelineDay:
    day: date
    visits: tuple[Visit, ...]


def build_timeline(events: Sequence[ProfileEvent]) -> list[TimelineDay]:
    """From events that are sorted from the newest."""
    by_day = groupby(events, key=lambda event: event.time.date())
    return [TimelineDay(day, tuple(_split_visits(list(those)))) for day, those in by_day]


def list_types(events: Sequence[ProfileEvent]) -> list[str]:
    """The types of the events, each once, in the order in which they appear."""
    return list(dict.fromkeys(event.type for event in events))


def _split_visits(events: list[ProfileEvent]) -> Iterator[Visit]:
    visit = [events[0]]
    for event in events[1:]:
        newer = visit[-1]
        if newer.time - event.time > PAUSE or (newer.type == "refund") != (event.type == "refund"):
            yield Visit(tuple(visit))
            visit = []
        visit.append(event)
    yield Visit(tuple(visit))
