"""What a snapshot of the customers stands on, and who stands differently since: those are counted anew, the others carried over.

The commit of a snapshot notes its day and the version of `customer_day` that it was made from. From there the log tells which
days were written anew, and the calendar which days have come into a window or gone out of it. A customer without a row on any
of them counts what it counted. Where the log does not tell, all are counted anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.changes import files_by_day
from batch.customer_day import CUSTOMER_ID
from batch.tables import read_customers, read_history
from cdp.days import day_from_text
from cdp.metrics import METRICS, definition
from cdp.paths import CUSTOMER_DAY, CUSTOMERS, table_url
from cdp.settings import Settings

#: Another number where customers are counted otherwise though every metric reads the same.
COUNTED = 2
#: How many days back a row begins or ceases to count: at the end of a window (of the profile's days too, see
#: batch/profiles.py), or for what is told as of an earlier day.
REACHES = frozenset(reach for metric in METRICS if (reach := metric.window or metric.days_ago))
#: Beyond this share of the days, one pass over all is cheaper than finding out who is touched.
MOST_OF_THE_DAYS = 0.5


@dataclass(frozen=True, slots=True)
class Version:
    """Of a Delta table; one that was made anew has another id."""

    table_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A snapshot of the customers, its day, and the version of `customer_day` that it was made from."""

    customers: Version
    day: date
    customer_day: Version


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier snapshot, and `customer_id` of all who may count differently since."""

    snapshot: DataFrame
    touched: DataFrame


@dataclass(frozen=True, slots=True)
class Since:
    """A day, which days of `customer_day` were written anew since it was counted, and the table as it was then."""

    day: date
    restated: Collection[date]
    before: DataFrame


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a day can go on from: for the snapshot, and for the collection of profiles, which is a publication older. None where
    all customers are to be looked at. Who is touched since one of the two is so in both, so that their rows are read once."""

    snapshot: Earlier | None = None
    profiles: Earlier | None = None
    touched: DataFrame | None = None


def note_of(settings: Settings, day: date) -> str:
    """What the commit of a snapshot of this day says of it."""
    history = _version(DeltaTable(table_url(settings, CUSTOMER_DAY)))
    return json.dumps({"day": str(day), "table_id": history.table_id, "version": history.version, "counted": _counted()})


def standing(settings: Settings, customers_version: int) -> Standing | None:
    """None where its commit says nothing of it, or that it was counted otherwise than now."""
    try:
        table = DeltaTable(table_url(settings, CUSTOMERS))
        # Of a table that is opened at an older version, deltalake 1.6 tells the newest commits under the numbers of older ones.
        commits = {commit["version"]: commit for commit in table.history(table.version() - customers_version + 1)}
    except TableNotFoundError:
        return None
    said = json.loads(commits.get(customers_version, {}).get("userMetadata", "{}"))
    if said.get("counted") != _counted():
        return None
    of = Version(str(table.metadata().id), customers_version)
    return Standing(of, day_from_text(said["day"]), Version(said["table_id"], said["version"]))


def version_of(settings: Settings, customers_version: int) -> Version:
    return _version(DeltaTable(table_url(settings, CUSTOMERS), version=customers_version))


def grounds(spark: SparkSession, settings: Settings, published: Standing | None, held: Standing | None, day: date) -> Grounds:
    """Where the log does not tell what has changed since one of them, there is no going on from it."""
    restated = {then: days for then in (published, held) if then and (days := days_restated(settings, then)) is not None}
    if not restated:
        return Grounds()
    now = read_history(spark, settings, CUSTOMER_DAY)
    before = {then: read_history(spark, settings, CUSTOMER_DAY, then.customer_day.version) for then in restated}
    ids = touched(now, [Since(then.day, days, before[then]) for then, days in restated.items()], day)
    found = {then: Earlier(read_customers(spark, settings, then.customers.version), ids) for then in restated}
    return Grounds(found.get(published) if published else None, found.get(held) if held else None, ids)


def days_restated(settings: Settings, then: Standing) -> frozenset[date] | None:
    """Days whose rows of `customer_day` lie in other files than they did. None where that can't be known, or are too many."""
    now = DeltaTable(table_url(settings, CUSTOMER_DAY))
    if then.customer_day.table_id != _version(now).table_id:
        return None
    try:
        before = _files(DeltaTable(table_url(settings, CUSTOMER_DAY), version=then.customer_day.version))
    except DeltaError:  # the log no longer reaches back so far
        return None
    after = _files(now)
    days = frozenset(day for day in before.keys() | after.keys() if before.get(day) != after.get(day))
    return days if len(days) <= MOST_OF_THE_DAYS * len(after) else None


def touched(now: DataFrame, since: Sequence[Since], day: date) -> DataFrame:
    """`customer_id` of all who may count differently as of `day` than they did as of one of the others. `now` is `customer_day`
    as it is: who had a row that is gone is touched too.

    The union is flat, because Spark flattens it in every frame that is united later, and does not know what was kept of
    another one again."""
    rows = now.where(reduce(or_, (_written(each) | _moved(each.day, day) for each in since)))
    frames = [rows, *(each.before.where(_written(each)) for each in since)]
    return reduce(DataFrame.union, (frame.select(CUSTOMER_ID) for frame in frames)).distinct()


def _written(since: Since) -> Column:
    return F.col("day").isin(list(since.restated))


def _moved(then: date, day: date) -> Column:
    return reduce(or_, (_between(first, last) for first, last in spans_moved(then, day)), F.lit(False))


def spans_moved(then: date, day: date) -> list[tuple[date, date]]:
    """Days (first and last) that count as of one of the two days and not of the other: for the whole history those between
    the two, for what reaches back also those at its other end."""
    early, late = sorted((then, day))
    if early == late:
        return []
    shifts = [timedelta(0), *(timedelta(days=reach) for reach in sorted(REACHES))]
    return [(early - shift + timedelta(days=1), late - shift) for shift in shifts]


def _between(first: date, last: date) -> Column:
    return F.col("day").between(F.lit(first), F.lit(last))


def _counted() -> str:
    return f"{COUNTED} {definition()}"


def _version(table: DeltaTable) -> Version:
    return Version(str(table.metadata().id), table.version())


def _files(table: DeltaTable) -> dict[date, set[str]]:
    return {day: {path for (path,) in files} for day, files in files_by_day(table, "day", "path").items()}
