from __future__ import annotations

from datetime import date

import pytest

from cdp_web.overview.periods import build_period, parse_period_days


def test_a_period_ends_with_the_published_day() -> None:
    period = build_period(date(2019, 11, 30), 7)
    assert (period.first, period.last, period.days) == (date(2019, 11, 24), date(2019, 11, 30), 7)


def test_the_period_before_is_as_long_and_touches_it() -> None:
    before = build_period(date(2019, 11, 30), 28).before()
    assert (before.first, before.last) == (date(2019, 10, 6), date(2019, 11, 2))


@pytest.mark.parametrize(("text", "days"), [(None, 28), ("", 28), ("7", 7), ("90", 90)])
def test_offered_periods_are_read(text: str | None, days: int) -> None:
    assert parse_period_days(text) == days


@pytest.mark.parametrize("text", ["8", "-7", "7.0", "0", "٧", "all"])
def test_other_periods_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="7, 28, 60, 90"):
        parse_period_days(text)
