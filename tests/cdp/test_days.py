"""Parsing of days, and their bounds in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cdp.days import day_bounds, day_from_text, days_between


def test_a_day_is_written_one_way() -> None:
    assert day_from_text("2019-10-31") == date(2019, 10, 31)
    for wrong in ("31.10.2019", "2019-1-1", "20191031", "2019-10-31T00:00", "", "2019-02-30"):
        with pytest.raises(ValueError, match="is not a day"):
            day_from_text(wrong)


def test_a_range_has_both_ends() -> None:
    assert list(days_between(date(2019, 2, 27), date(2019, 3, 1))) == [date(2019, 2, 27), date(2019, 2, 28), date(2019, 3, 1)]
    with pytest.raises(ValueError, match=r"ends .* before it begins"):
        list(days_between(date(2019, 2, 2), date(2019, 2, 1)))


def test_a_day_begins_at_midnight_utc() -> None:
    assert day_bounds(date(2019, 10, 31)) == (datetime(2019, 10, 31, tzinfo=UTC), datetime(2019, 11, 1, tzinfo=UTC))
