"""Decides which days a night restates, from the earlier publications and the changes since. Pure.

A publication of day P computes every day up to P from its version of the events, and no day after P. So a day is behind if its
events changed after the newest version that a publication of that day or a later one was computed from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A version of a Delta table. A table that was created again has another id."""

    table_id: str
    version: int


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """The day of a publication, and the version of the events that it was computed from."""

    day: date
    events_version: int


NEVER = -1
#: Later than every version: for days that changed at an unknown time.
ALWAYS = 2**62


def find_version_of_day(published: Sequence[PublishedVersion], day: date) -> int:
    """The version of the events that the day was last computed from, or NEVER."""
    return max((each.events_version for each in published if each.day >= day), default=NEVER)


def find_oldest_version(published: Sequence[PublishedVersion], day: date) -> int:
    """The version after which the log must be read for days up to this one. NEVER if nothing was published. Days after the last
    published one are restated anyway."""
    last_day = max((each.day for each in published), default=day)
    return find_version_of_day(published, min(day, last_day))


def find_days_to_restate(
    days: Collection[date],
    changed: Mapping[date, int],
    published: Sequence[PublishedVersion],
    day: date,
    lacking: Collection[date] = (),
) -> list[date]:
    """`days` have events, or had some. A night restates those up to `day` that are behind, and published days that a table lacks
    (`lacking`). `changed` has the version in which a day last changed."""

    def is_behind(candidate: date) -> bool:
        computed_from = find_version_of_day(published, candidate)
        is_lost = candidate in lacking and computed_from != NEVER
        return is_lost or (candidate <= day and (computed_from == NEVER or changed.get(candidate, NEVER) > computed_from))

    return sorted(candidate for candidate in days if is_behind(candidate))
