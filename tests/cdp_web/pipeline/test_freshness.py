"""Lateness against the newest event and against the schedule, on hand-made moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cdp.mart.nights import NightRun, RunState
from cdp_web.pipeline.freshness import NightSchedule, count_waiting_days, find_expected_end, judge_freshness
from cdp_web.pipeline.templatetags.pipeline import format_age

DAY = date(2019, 11, 30)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2019, 12, day, hour, minute, tzinfo=UTC)


def make_run(begun_at: datetime, state: RunState = "published", minutes: int = 10) -> NightRun:
    return NightRun(1, DAY, begun_at, begun_at + timedelta(minutes=minutes), state, None, None)


NOW = at(1, 9)
NEXT = NightSchedule(is_paused=False, next_at=at(2, 2))
PAUSED = NightSchedule(is_paused=True, next_at=at(2, 2))
RUNS = [make_run(at(1, 2))]


@pytest.mark.parametrize(
    ("published", "newest", "schedule", "runs", "state", "waiting"),
    [
        (None, at(1, 8), NEXT, [], "none", 0),
        (DAY, at(1, 8), NEXT, RUNS, "current", 0),
        (DAY, None, None, RUNS, "current", 0),
        # Events of yesterday and before wait, today's do not.
        (DAY - timedelta(days=1), at(1, 8), NEXT, RUNS, "behind", 1),
        (DAY - timedelta(days=4), at(1, 8), NEXT, RUNS, "behind", 4),
        (DAY - timedelta(days=4), at(1, 8) - timedelta(days=3), NEXT, RUNS, "behind", 2),
        # The data has ended: everything is published, but nothing arrives.
        (DAY, at(1, 8) - timedelta(hours=48), NEXT, RUNS, "quiet", 0),
        (date(2012, 10, 31), datetime(2012, 10, 31, 23, 59, tzinfo=UTC), PAUSED, RUNS, "quiet", 0),
        # The night of 02:00 did not end well.
        (DAY, at(1, 8), NEXT, [make_run(at(1, 2), "failed")], "late", 0),
        (DAY, at(1, 8), NEXT, [], "late", 0),
        (DAY, at(1, 8), NEXT, [make_run(at(1, 2), "needless")], "current", 0),
        (DAY, at(1, 8), PAUSED, [], "current", 0),
    ],
)
def test_state_of_the_published_data(
    published: date | None,
    newest: datetime | None,
    schedule: NightSchedule | None,
    runs: list[NightRun],
    state: str,
    waiting: int,
) -> None:
    freshness = judge_freshness(NOW, published, newest, schedule, runs)
    assert (freshness.state, freshness.waiting_days) == (state, waiting)


def test_yesterday_waits_only_when_its_night_should_be_over() -> None:
    newest = at(1, 1)
    assert count_waiting_days(at(1, 1), DAY - timedelta(days=1), newest) == 0
    assert count_waiting_days(at(1, 2, 59), DAY - timedelta(days=1), newest) == 0
    assert count_waiting_days(at(1, 3), DAY - timedelta(days=1), newest) == 1


def test_a_night_is_late_an_hour_after_its_usual_end() -> None:
    runs = [make_run(at(1, 2) - timedelta(days=1), minutes=30)]
    early, late = (judge_freshness(at(1, 3, minute), DAY, at(1, 2), NEXT, runs).state for minute in (29, 30))
    assert (early, late) == ("current", "late")


def test_expected_end_is_the_next_start_and_the_usual_duration() -> None:
    runs = [make_run(at(1, 2), minutes=minutes) for minutes in (10, 20, 60)] + [make_run(at(1, 2), "failed", 500)]
    assert find_expected_end(NEXT, runs) == at(2, 2, 20)
    assert find_expected_end(PAUSED, runs) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "less than a minute"), (60, "1 minute"), (7_200, "2 hours"), (86_400 * 3, "3 days"), (31_557_600 * 7, "7 years")],
)
def test_age_in_the_largest_unit(seconds: int, text: str) -> None:
    assert format_age(seconds) == text
