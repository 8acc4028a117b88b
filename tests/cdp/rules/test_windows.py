"""The days of windows and of anniversaries, by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cdp.rules import Behaviour, Compare, Facts, Interaction, Step, Window, matches
from cdp.rules.windows import WINDOW_KINDS, find_anniversaries, find_days, go_back


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("as_of", "window", "first", "last"),
    [
        ("2020-03-01", Window(), None, "2020-03-01"),
        ("2020-03-01", Window("last_days", (1,)), "2020-03-01", "2020-03-01"),
        ("2020-03-01", Window("last_days", (2,)), "2020-02-29", "2020-03-01"),
        ("2019-03-01", Window("last_days", (2,)), "2019-02-28", "2019-03-01"),
        ("2020-01-03", Window("last_days", (7,)), "2019-12-28", "2020-01-03"),
        ("0001-01-05", Window("last_days", (36_500,)), "0001-01-01", "0001-01-05"),
        ("2020-01-03", Window("days_ago", (0, 0)), "2020-01-03", "2020-01-03"),
        ("2020-01-03", Window("days_ago", (3, 5)), "2019-12-29", "2019-12-31"),
        ("2020-01-03", Window("between", (day("2019-12-30"), day("2020-01-01"))), "2019-12-30", "2020-01-01"),
        ("2020-01-03", Window("between", (day("2019-12-30"), day("2020-02-01"))), "2019-12-30", "2020-01-03"),
        ("2020-01-03", Window("between", (day("2020-02-01"), day("2020-02-02"))), "2020-02-01", "2020-01-03"),
        # 1 January 2020 is a Wednesday: its week began in the year before.
        ("2020-01-01", Window("this_week"), "2019-12-30", "2020-01-01"),
        ("2020-01-01", Window("last_week"), "2019-12-23", "2019-12-29"),
        ("2020-01-06", Window("this_week"), "2020-01-06", "2020-01-06"),
        ("2020-01-05", Window("this_week"), "2019-12-30", "2020-01-05"),
        ("2020-01-08", Window("last_week"), "2019-12-30", "2020-01-05"),
        # 2020 has a week 53, which ends in 2021.
        ("2021-01-03", Window("this_week"), "2020-12-28", "2021-01-03"),
        ("2021-01-04", Window("last_week"), "2020-12-28", "2021-01-03"),
        ("2020-02-29", Window("this_month"), "2020-02-01", "2020-02-29"),
        ("2020-03-31", Window("last_month"), "2020-02-01", "2020-02-29"),
        ("2019-03-31", Window("last_month"), "2019-02-01", "2019-02-28"),
        ("2020-01-31", Window("last_month"), "2019-12-01", "2019-12-31"),
        ("2020-12-31", Window("this_month"), "2020-12-01", "2020-12-31"),
        ("2020-02-29", Window("this_year"), "2020-01-01", "2020-02-29"),
        ("2020-02-29", Window("last_year"), "2019-01-01", "2019-12-31"),
        ("2020-01-01", Window("this_year"), "2020-01-01", "2020-01-01"),
    ],
)
def test_the_first_and_last_day_of_a_window(as_of: str, window: Window, first: str | None, last: str) -> None:
    assert find_days(window, day(as_of)) == (day(first) if first else None, day(last))


@pytest.mark.parametrize("as_of", ["2019-12-31", "2020-01-01", "2020-02-29", "2020-03-01", "2021-01-03", "2021-01-04"])
@pytest.mark.parametrize("kind", [each.key for each in WINDOW_KINDS])
def test_the_interpreter_counts_exactly_these_days(kind: str, as_of: str) -> None:
    published = day(as_of)
    values = {"last_days": (3,), "days_ago": (2, 400), "between": (day("2020-01-01"), day("2020-02-29"))}.get(kind, ())
    window = Window(kind, values)
    first, last = find_days(window, published)
    rule = Behaviour(Step("view"), "events", "ge", 1, window)
    for offset in range(-2, 800):
        other = published - timedelta(days=offset)
        is_inside = (first or date.min) <= other <= last
        assert matches(rule, Facts(published, {}, [Interaction(other, 0, "view", "p")])) is is_inside, other


def test_days_end_with_the_calendar() -> None:
    assert go_back(day("2020-03-01"), 1) == day("2020-02-29")
    assert go_back(day("2020-03-01"), 1_000_000) == date.min


@pytest.mark.parametrize(
    ("as_of", "days", "expected"),
    [
        ("2019-10-31", 1, [(10, 31)]),
        ("2019-12-31", 2, [(1, 1), (12, 31)]),
        ("2019-02-28", 1, [(2, 28), (2, 29)]),
        ("2019-02-27", 2, [(2, 27), (2, 28), (2, 29)]),
        ("2019-03-01", 1, [(3, 1)]),
        ("2020-02-28", 1, [(2, 28)]),
        ("2020-02-29", 1, [(2, 29)]),
        ("2020-02-28", 2, [(2, 28), (2, 29)]),
        ("1900-02-28", 1, [(2, 28), (2, 29)]),
        ("2000-02-28", 1, [(2, 28)]),
    ],
)
def test_the_dates_with_an_anniversary(as_of: str, days: int, expected: list[tuple[int, int]]) -> None:
    assert find_anniversaries(day(as_of), days) == expected


@pytest.mark.parametrize("as_of", ["2019-03-01", "2020-01-01", "2020-03-01"])
def test_every_date_has_an_anniversary_within_a_year(as_of: str) -> None:
    assert len(find_anniversaries(day(as_of), 366)) == 366
    assert find_anniversaries(day(as_of), 36_500) == find_anniversaries(day(as_of), 366)


@pytest.mark.parametrize(
    ("seen", "as_of", "days", "expected"),
    [
        ("2018-10-31", "2019-10-31", 1, True),
        ("2018-11-01", "2019-10-31", 1, False),
        ("2018-11-01", "2019-10-31", 2, True),
        ("2018-10-30", "2019-10-31", 365, False),
        ("2018-10-30", "2019-10-31", 366, True),
        ("2019-10-31", "2019-10-31", 1, False),  # the day itself is no anniversary
        ("2019-11-05", "2019-10-31", 10, False),  # a later night has seen the customer
        ("2018-01-02", "2019-12-31", 3, True),
        ("2016-02-29", "2019-02-28", 1, True),
        ("2016-02-29", "2019-03-01", 1, False),
        ("2016-02-29", "2020-02-28", 1, False),
        ("2016-02-29", "2020-02-29", 1, True),
        ("2018-02-28", "2020-02-29", 1, False),
        ("2018-02-28", "2020-02-28", 1, True),
    ],
)
def test_an_anniversary_of_a_date(seen: str, as_of: str, days: int, expected: bool) -> None:
    rule = Compare("first_seen", "anniversary_in_days", days)
    assert matches(rule, Facts(day(as_of), {"first_seen": day(seen)})) is expected
