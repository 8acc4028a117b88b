"""What a snapshot of the customers stands on, and who stands differently since: those are counted anew, the others carried over.

The commit of a snapshot notes its day and the version of `customer_day` that it was made from. From there the log tells which
days were written anew, and the calendar which days have come into a window or gone out of it. A customer without a row on any
of them counts what it counted. Where the log does not tell, all are counted anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from batch.days.customer_day import CUSTOMER_ID
from batch.hdfs.changes import files_by_day
from batch.hdfs.tables import read_customers, table_if_any
from cdp.days import day_from_text
from cdp.metrics import METRICS, definition
from cdp.paths import CUSTOMER_DAY, CUSTOMERS, table_url
from cdp.settings import Settings

#: Another number where customers are counted otherwise though every metric reads the same.
COUNTED = 2
#: How many days back a row begins or ceases to count: at the end of a window (of the profile's days too, see
#: batch/customers/profiles.py), or for what is told as of an earlier day.
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
class Grounds:
    """What a day can go on from: for the snapshot, and for the collection of profiles, which is a publication older. None where
    all customers are to be looked at."""

    snapshot: Earlier | None = None
    profiles: Earlier | None = None

    @property
    def touched(self) -> DataFrame | None:
        """Who is touched since one of the two is so in both, so that their rows are read once."""
        earlier = self.snapshot or self.profiles
        return earlier.touched if earlier else None


def note_of(settings: Settings, day: date) -> str:
    """What the commit of a snapshot of this day says of it."""
    history = _version(DeltaTable(table_url(settings, CUSTOMER_DAY)))
    return json.dumps({"day": str(day), "table_id": history.table_id, "version": history.version, "counted": _counted()})


def standing(settings: Settings, customers_version: int) -> Standing | None:
    """None where its commit says nothing of it, or that it was counted otherwise than now."""
    table = table_if_any(settings, CUSTOMERS)
    if table is None:
        return None
    # Of a table that is opened at an older version, deltalake 1.6 tells the newest commits under the numbers of older ones.
    commits = {commit["version"]: commit for commit in table.history(table.version() - customers_version + 1)}
    said = json.loads(commits.get(customers_version, {}).get("userMetadata", "{}"))
    if said.get("counted") != _counted():
        return None
    of = Version(str(table.metadata().id), customers_version)
    return Standing(of, day_from_text(said["day"]), Version(said["table_id"], said["version"]))


def version_of(settings: Settings, customers_version: int) -> Version:
    return _version(DeltaTable(table_url(settings, CUSTOMERS), version=customers_version))


def grounds(spark: SparkSession, settings: Settings, published: Standing | None, held: Standing | None, day: date) -> Grounds:
    """Where the log does not tell what has changed since one of them, there is no going on from it."""
    now = DeltaTable(table_url(settings, CUSTOMER_DAY))
    files = {then: some for then in (published, held) if then and (some := files_touched(settings, now, then, day)) is not None}
    if not files:
        return Grounds()
    try:
        ids = touched(spark, settings, frozenset().union(*files.values()))
    except AnalysisException:  # somebody has deleted what earlier versions had
        return Grounds()
    found = {then: Earlier(read_customers(spark, settings, then.customers.version), ids) for then in files}
    return Grounds(found.get(published) if published else None, found.get(held) if held else None)


def touched(spark: SparkSession, settings: Settings, files: Collection[str]) -> DataFrame:
    """`customer_id` of all who have a row in one of these files of `customer_day`. Not as a Delta table: some files are of
    earlier versions, and each version would be a plan of its own."""
    url, columns = table_url(settings, CUSTOMER_DAY), f"{CUSTOMER_ID} string"
    if not files:
        return spark.createDataFrame([], columns)
    return spark.read.schema(columns).parquet(*(f"{url}/{file}" for file in sorted(files))).select(CUSTOMER_ID).distinct()


def files_touched(settings: Settings, now: DeltaTable, then: Standing, day: date) -> frozenset[str] | None:
    """Files of `customer_day` with the rows of all who may count differently as of `day` than they did `then`: those that came
    or went since (who had a row that is gone is touched too), and those of days that come into a window or go out of one. None
    where that can't be known, or where they are too many."""
    if then.customer_day.table_id != _version(now).table_id:
        return None
    try:
        before = _files(DeltaTable(table_url(settings, CUSTOMER_DAY), version=then.customer_day.version))
    except DeltaError:  # the log no longer reaches back so far
        return None
    after = _files(now)
    written = {each: before.get(each, set()) ^ after.get(each, set()) for each in before.keys() | after.keys()}
    if sum(map(bool, written.values())) > MOST_OF_THE_DAYS * len(after):
        return None
    spans = spans_moved(then.day, day)
    moved = (files for each, files in after.items() if any(first <= each <= last for first, last in spans))
    return frozenset().union(*written.values(), *moved)


def spans_moved(then: date, day: date) -> list[tuple[date, date]]:
    """Days (first and last) that count as of one of the two days and not of the other: for the whole history those between
    the two, for what reaches back also those at its other end."""
    early, late = sorted((then, day))
    if early == late:
        return []
    shifts = [timedelta(0), *(timedelta(days=reach) for reach in sorted(REACHES))]
    return [(early - shift + timedelta(days=1), late - shift) for shift in shifts]


def _counted() -> str:
    return f"{COUNTED} {definition()}"


def _version(table: DeltaTable) -> Version:
    return Version(str(table.metadata().id), table.version())


def _files(table: DeltaTable) -> dict[date, set[str]]:
    return {day: {path for (path,) in files} for day, files in files_by_day(table, "day", "path").items()}
