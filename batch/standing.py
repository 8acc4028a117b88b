"""What a publication stands on, and which customers stand differently since: those are counted anew, the others carried over.

A publication notes the versions of the night's own tables. From there the log tells which days were written anew, and the
calendar which days have come into a window or gone out of it. A customer without a row on any of them counts what it counted.
Where the log does not tell (another table, another definition of the metrics, files that are gone), all are counted anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.days import day_from_text
from cdp.metrics import METRICS, definition
from cdp.paths import CUSTOMER_DAY, CUSTOMERS, table_url
from cdp.settings import Settings

#: Of the profile's days too, see batch/profiles.py.
WINDOWS = frozenset(metric.window for metric in METRICS if metric.window)
#: Beyond this share of the days, one pass over all is cheaper than finding out who is touched.
MOST_OF_THE_DAYS = 0.5


@dataclass(frozen=True, slots=True)
class Version:
    """Of a Delta table; one that was made anew has another id."""

    table_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A publication's day, and what its numbers of customers came from."""

    day: date
    customers: Version
    customer_day: Version
    metrics: str

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "day"}

    @staticmethod
    def from_json(day: date, noted: Mapping[str, Any]) -> Standing | None:
        """None of a publication of an earlier version of the platform, which noted nothing."""
        try:
            return Standing(day, Version(**noted["customers"]), Version(**noted["customer_day"]), noted["metrics"])
        except KeyError:
            return None


def standing_now(settings: Settings, day: date) -> Standing:
    return Standing(day, _version(settings, CUSTOMERS), _version(settings, CUSTOMER_DAY), definition())


def _version(settings: Settings, table: str) -> Version:
    now = DeltaTable(table_url(settings, table))
    return Version(str(now.metadata().id), now.version())


def days_restated(settings: Settings, before: Standing) -> frozenset[date] | None:
    """Days whose rows of `customer_day` lie in other files than they did. None where that can't be known, or are too many."""
    url = table_url(settings, CUSTOMER_DAY)
    now = DeltaTable(url)
    if before.metrics != definition() or before.customer_day.table_id != str(now.metadata().id):
        return None
    try:
        then = DeltaTable(url, version=before.customer_day.version)
    except DeltaError:  # the log no longer reaches back so far
        return None
    earlier, later = _files(then), _files(now)
    days = frozenset(day for day in earlier.keys() | later.keys() if earlier.get(day) != later.get(day))
    return days if len(days) <= MOST_OF_THE_DAYS * len(later) else None


def _files(table: DeltaTable) -> dict[date, set[str]]:
    files: dict[date, set[str]] = {}
    actions = pa.table(table.get_add_actions(flatten=True)).select(["partition.day", "path"]).to_pydict()
    for day, path in zip(*actions.values(), strict=True):
        files.setdefault(day if isinstance(day, date) else day_from_text(day), set()).add(path)
    return files


def touched(now: DataFrame, then: DataFrame, restated: Collection[date], before: date, day: date) -> DataFrame:
    """`customer_id` of all who may count differently as of `day` than they did as of `before`. `now` and `then` are
    `customer_day` as it is and as it was: who had a row that is gone is touched too."""
    written = F.col("day").isin(list(restated))
    moved = reduce(or_, (_between(first, last) for first, last in spans_moved(before, day)), F.lit(False))
    ids = now.where(written | moved).select("customer_id")
    return ids.union(then.where(written).select("customer_id")).distinct()


def spans_moved(before: date, day: date) -> list[tuple[date, date]]:
    """Days (first and last) that count as of one of the two days and not of the other: for the whole history those between
    the two, for a window also those at its other end."""
    early, late = sorted((before, day))
    if early == late:
        return []
    shifts = [timedelta(0), *(timedelta(days=window) for window in sorted(WINDOWS))]
    return [(early - shift + timedelta(days=1), late - shift) for shift in shifts]


def _between(first: date, last: date) -> Column:
    return F.col("day").between(F.lit(first), F.lit(last))
