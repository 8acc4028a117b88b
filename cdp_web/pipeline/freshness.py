"""Whether the published data is up to date: compared with the newest event that arrived, and with the schedule of the nights.
Pure functions; the clock is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Literal

from cdp.days import day_bounds
from cdp.mart.nights import NightRun
from cdp.programs import NIGHT_HOUR

FreshnessState = Literal["none", "behind", "late", "quiet", "current"]
#: A shop without events for so long is quiet: the data has ended, or nothing arrives.
QUIET = timedelta(hours=36)
#: A night may take so much longer than usual before it counts as late.
PATIENCE = timedelta(hours=1)
#: Nights that show how long one usually takes.
NIGHTS = 10


@dataclass(frozen=True, slots=True)
class NightSchedule:
    """The next start of the night by Airflow's schedule; a paused schedule starts none."""

    is_paused: bool
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Freshness:
    state: FreshnessState
    waiting_days: int = 0  # complete days with events after the published one
    newest_event: datetime | None = None
    expected_at: datetime | None = None  # when the next night should have published
    last_day: date | None = None  # the last day that waits

    @property
    def is_good(self) -> bool:
        return self.state == "current"


def judge_freshness(
    now: datetime,
    published: date | None,
    newest_event: datetime | None,
    schedule: NightSchedule | None,
    runs: Sequence[NightRun],
) -> Freshness:
    expected = find_expected_end(schedule, runs)
    if published is None:
        return Freshness("none", newest_event=newest_event, expected_at=expected)
    waiting = count_waiting_days(now, published, newest_event)
    if waiting:
        return Freshness("behind", waiting, newest_event, expected, published + timedelta(days=waiting))
    if newest_event is not None and now - newest_event > QUIET:
        return Freshness("quiet", 0, newest_event, expected)
    state: FreshnessState = "late" if is_overdue(now, schedule, runs) else "current"
    return Freshness(state, 0, newest_event, expected)


def count_waiting_days(now: datetime, published: date, newest_event: datetime | None) -> int:
    """Days with events after the published one that a night could publish. Last night's day waits only until its night."""
    if newest_event is None:
        return 0
    last = min(newest_event.date(), find_last_due_day(now))
    return max((last - published).days, 0)


def find_last_due_day(now: datetime) -> date:
    """The last day whose night, with some patience, should be over."""
    day = now.date() - timedelta(days=1)
    _, end = day_bounds(day)
    return day if now >= end + timedelta(hours=NIGHT_HOUR) + PATIENCE else day - timedelta(days=1)


def find_usual_seconds(runs: Sequence[NightRun]) -> float | None:
    """How long a published night takes; the newest runs come first."""
    seconds = [run.took for run in runs if run.state == "published" and run.took is not None][:NIGHTS]
    return median(seconds) if seconds else None


def find_expected_end(schedule: NightSchedule | None, runs: Sequence[NightRun]) -> datetime | None:
    """When the next scheduled night should have published; None without a schedule."""
    if schedule is None or schedule.is_paused or schedule.next_at is None:
        return None
    return schedule.next_at + timedelta(seconds=find_usual_seconds(runs) or 0)


def is_overdue(now: datetime, schedule: NightSchedule | None, runs: Sequence[NightRun]) -> bool:
    """Whether the last scheduled night has neither ended well nor can still be running as usual."""
    if schedule is None or schedule.is_paused or schedule.next_at is None:
        return False
    started = schedule.next_at - timedelta(days=1)
    while started > now:
        started -= timedelta(days=1)
    if now < started + timedelta(seconds=find_usual_seconds(runs) or 0) + PATIENCE:
        return False
    return not any(run.state in ("published", "needless") and run.begun_at >= started for run in runs)
