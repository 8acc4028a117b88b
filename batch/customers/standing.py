"""What a snapshot of the customers stands on, and who stands differently since: those are counted anew, the others carried over.

The commit of a snapshot notes its day and the version of `customer_day` that it was made from. From there the log tells which
days were written anew, and the calendar which days have come into a window or gone out of it. A customer without a row on any
of them counts what it counted. Where the log does not tell, all are counted anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from batch.days.customer_day import CUSTOMER_ID
from batch.hdfs.tables import any_of, days_changed, read_customers, table_if_any
from cdp.days import day_from_text, days_between
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
    rows = {then: some for then in (published, held) if then and (some := rows_touched(settings, now, then, day)) is not None}
    if not rows:
        return Grounds()
    try:
        ids = touched(spark, settings, sum_of(rows.values()))
    except AnalysisException:  # somebody has deleted what earlier versions had
        return Grounds()
    found = {then: Earlier(read_customers(spark, settings, then.customers.version), ids) for then in rows}
    return Grounds(found.get(published) if published else None, found.get(held) if held else None)


@dataclass(frozen=True, slots=True)
class RowsTouched:
    """Rows of `customer_day`: those of these days in these files."""

    files: frozenset[str]
    days: frozenset[date]


def sum_of(parts: Iterable[RowsTouched]) -> RowsTouched:
    """The parts together. A day of one may lie in a file of another: then more customers are touched than need be."""
    listed = list(parts)
    return RowsTouched(frozenset().union(*(part.files for part in listed)), frozenset().union(*(part.days for part in listed)))


def touched(spark: SparkSession, settings: Settings, rows: RowsTouched) -> DataFrame:
    """`customer_id` of all who have one of these rows. Not read as a Delta table: some files are of earlier versions, and each
    version would be a plan of its own."""
    url = table_url(settings, CUSTOMER_DAY)
    if not rows.files:
        return spark.createDataFrame([], f"{CUSTOMER_ID} string")
    files = spark.read.schema(f"day date, {CUSTOMER_ID} string").parquet(*(f"{url}/{file}" for file in sorted(rows.files)))
    return files.where(any_of("day", rows.days)).select(CUSTOMER_ID).distinct()


def rows_touched(settings: Settings, now: DeltaTable, then: Standing, day: date) -> RowsTouched | None:
    """The rows of all who may count differently as of `day` than they did `then`: those of days that were written since, as they
    were and as they are (who had a row that is gone is touched too), and those of days that come into a window or go out of one.
    None where that can't be known, or where these days are too many."""
    if then.customer_day.table_id != _version(now).table_id:
        return None
    written = days_changed(now, then.customer_day.version)
    if written is None:
        return None
    try:
        before = _files(DeltaTable(table_url(settings, CUSTOMER_DAY), version=then.customer_day.version))
    except DeltaError:  # the log no longer reaches back so far
        return None
    after = _files(now)
    days = written | {each for first, last in spans_moved(then.day, day) for each in days_between(first, last)}
    if not after or len(written) > MOST_OF_THE_DAYS * _days_spanned(after):
        return None
    files = {file.path for file in before if file.has_any(written)} | {file.path for file in after if file.has_any(days)}
    return RowsTouched(frozenset(files), frozenset(days))


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


@dataclass(frozen=True, slots=True)
class DaysFile:
    """A file of `customer_day`, and the first and last day of its rows."""

    path: str
    first: date
    last: date

    def has_any(self, days: Collection[date]) -> bool:
        """Whether it may have rows of one of them."""
        return any(self.first <= day <= self.last for day in days)


def _days_spanned(files: Collection[DaysFile]) -> int:
    return (max(file.last for file in files) - min(file.first for file in files)).days + 1


def _files(table: DeltaTable) -> list[DaysFile]:
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", "min.day", "max.day"])
    return [DaysFile(*file) for file in zip(*actions.to_pydict().values(), strict=True)]
