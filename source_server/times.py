"""From when to when a data set's events are, read off the text of their times. A help for people; the parser decides."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

#: Beyond these years a time is taken for a broken clock, and shown nowhere.
_LOOKS_LIKE_A_TIME = r"^20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)? ?(UTC|Z|[+-]\d\d(:?\d\d)?)$"
_SECONDS = len("2019-10-01 00:00:00")


@dataclass(frozen=True, slots=True)
class TimeRange:
    first: str | None = None
    last: str | None = None

    def __or__(self, other: TimeRange) -> TimeRange:
        firsts = [time for time in (self.first, other.first) if time]
        lasts = [time for time in (self.last, other.last) if time]
        return TimeRange(min(firsts, default=None), max(lasts, default=None))


def time_range(times: pa.Array) -> TimeRange:
    """The least and the greatest time of a text column, without zone and fraction."""
    likely = times.filter(pc.match_substring_regex(times, _LOOKS_LIKE_A_TIME))
    texts = pc.replace_substring(pc.utf8_slice_codeunits(likely, 0, _SECONDS), "T", " ")
    found = pc.min_max(texts)
    return TimeRange(found["min"].as_py(), found["max"].as_py())
