"""The next commands after a load, from the days of its events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from source_server.afterwards import DayRows, next_steps

LAST = date(2011, 12, 9)
TODAY = date(2026, 11, 1)


def day(day: date, rows: int = 1_000, hour: int = 20) -> dict[date, DayRows]:
    return {day: DayRows(rows, datetime(day.year, day.month, day.day, hour, 50, tzinfo=UTC))}


def days(first: int, until: int = 1) -> dict[date, DayRows]:
    """Whole days before the last one."""
    return {each: rows for back in range(until, first + 1) for each, rows in day(LAST - timedelta(days=back)).items()}


WHOLE = "next: ./run stream --once, then ./run night "
WITHOUT_LAST = "--from 2011-12-01 --to 2011-12-08  (2011-12-09 looks partial: "
ACCEPT = 'to publish it anyway: ./run night --day 2011-12-09 --accept volume --why "...")'


@pytest.mark.parametrize(
    ("days_of_load", "line"),
    [
        ({}, ""),
        (day(LAST), WHOLE + "--day 2011-12-09"),
        (days(8) | day(LAST), WHOLE + "--from 2011-12-01 --to 2011-12-09"),
        (days(8) | day(LAST, hour=17), WHOLE + "--from 2011-12-01 --to 2011-12-09"),
        (
            days(8) | day(LAST, hour=12),
            WHOLE + f"{WITHOUT_LAST}its last event is at 12:50; {ACCEPT}",
        ),
        (
            days(8) | day(LAST, rows=333),
            WHOLE + f"{WITHOUT_LAST}it has 333 events, the days before it 1,000; {ACCEPT}",
        ),
        (days(8) | day(LAST, rows=334), WHOLE + "--from 2011-12-01 --to 2011-12-09"),
        # Too few days to say what is usual.
        (days(2) | day(LAST, hour=1, rows=1), WHOLE + "--from 2011-12-07 --to 2011-12-09"),
        (days(30, until=8) | day(LAST, hour=1), WHOLE + "--from 2011-11-09 --to 2011-12-09"),
        # Clocks that are wrong: years before and after the others, and ahead of today.
        (day(date(1990, 1, 1), 8) | days(8) | day(LAST) | day(date(2020, 1, 1), 9), WHOLE + "--from 2011-12-01 --to 2011-12-09"),
        (days(8) | day(LAST) | day(date(2099, 1, 1), 5_000), WHOLE + "--from 2011-12-01 --to 2011-12-09"),
        # As many as these are no strays.
        (day(date(2010, 1, 1), 10) | days(8) | day(LAST), WHOLE + "--from 2010-01-01 --to 2011-12-09"),
    ],
)  # fmt: skip
def test_next_steps_name_the_days_and_a_partial_last_day(days_of_load: dict[date, DayRows], line: str) -> None:
    assert next_steps(days_of_load, TODAY) == line


def test_today_is_not_over() -> None:
    assert "./run night --from 2011-12-01 --to 2011-12-08  (2011-12-09 looks partial: it is not over" in next_steps(
        days(8) | day(LAST), LAST
    )


def test_one_day_that_is_not_over_leaves_no_night() -> None:
    assert next_steps(day(LAST), LAST).startswith("next: ./run stream --once  (2011-12-09 looks partial")
