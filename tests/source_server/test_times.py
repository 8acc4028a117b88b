"""From when to when: likely times only, of one batch or of many."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_server.times import TimeRange, time_range

WHEN = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001
TIMES = WHEN.map(lambda time: f"{time:%Y-%m-%d %H:%M:%S} UTC")


@given(st.lists(TIMES), st.lists(TIMES))
def test_two_batches_together_are_one(one: list[str], other: list[str]) -> None:
    def found(texts: list[str]) -> TimeRange:
        return time_range(pa.array(texts, pa.string()))

    assert found(one) | found(other) == found(one + other)
    assert found(one).first == (min(one)[:19] if one else None)


@pytest.mark.parametrize("text", [None, "", "soon", "2019-10-01 00:00:00", "9999-01-01 00:00:00 UTC", "1970-01-01 00:00:00 UTC"])
def test_what_is_no_likely_time_counts_for_nothing(text: str | None) -> None:
    assert time_range(pa.array([text, "2019-10-01T00:00:00.5+07:00"], pa.string())) == TimeRange(*["2019-10-01 00:00:00"] * 2)
