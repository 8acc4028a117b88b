"""Which days a night restates. Pure: from what was published, and what has changed since, to days.

A publication of day P brings every day up to P to its version of the events, and no later one. So a day is behind where
events of it were added or removed after the newest version that a publication of that day or a later one was computed from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Published:
    """A publication, as far as the plan needs it."""

    day: date
    events_version: int


NEVER = -1
#: Later than every version: for days of which nobody knows when they grew.
ALWAYS = 2**62


def version_of_day(published: Sequence[Published], day: date) -> int:
    """The version of the events that the day was last computed from."""
    return max((p.events_version for p in published if p.day >= day), default=NEVER)


def known_since(published: Sequence[Published], day: date) -> int:
    """The version after which changes matter for days up to this one, NEVER where nothing was published. Days after the
    last published one are restated anyway."""
    last_day = max((p.day for p in published), default=day)
    return version_of_day(published, min(day, last_day))


def days_to_restate(
    days: Collection[date],
    changed: Mapping[date, int],
    published: Sequence[Published],
    day: date,
    lacking: Collection[date] = (),
) -> list[date]:
    """Of the days that have events, or had some: those up to `day` that are behind, and those that one of the tables lacks
    (`lacking`) though they were published. `changed` says in which version a day last changed."""

    def is_behind(candidate: date) -> bool:
        computed_from = version_of_day(published, candidate)
        is_lost = candidate in lacking and computed_from != NEVER
        return is_lost or (candidate <= day and (computed_from == NEVER or changed.get(candidate, NEVER) > computed_from))

    return sorted(candidate for candidate in days if is_behind(candidate))
