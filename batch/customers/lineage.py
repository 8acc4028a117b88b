"""Decides which customers must be recomputed for a new snapshot. All others keep the values that they had.

The commit of a snapshot notes its day and the version of `customer_day` that it was computed from. From that version on, the log
tells which days were rewritten, and the calendar tells which days have entered or left a window. A customer without a row on any
of these days has not changed. When the log does not tell, everyone is recomputed.
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
from batch.hdfs.tables import match_days, open_table, read_changed_days, read_customers
from batch.plan import TableVersion
from cdp.days import day_from_text, days_between
from cdp.lake.paths import CUSTOMER_DAY, CUSTOMERS, table_url
from cdp.metrics import METRICS, definition
from cdp.settings import Settings

#: Increase it when customers are computed differently although the definition of every metric is the same.
COMPUTATION = 2
#: Numbers of days after which a row starts or stops counting: the ends of windows (also of the profile's days, see
#: batch/customers/profiles.py), and the distances of metrics as of an earlier day.
REACHES = frozenset(reach for metric in METRICS if (reach := metric.window or metric.days_ago))
#: If more than this share of the days was rewritten, recomputing everyone is cheaper than finding the changed customers.
MAX_CHANGED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A snapshot of the customers, its day, and the version of `customer_day` that it was computed from."""

    customers: TableVersion
    day: date
    customer_day: TableVersion


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier snapshot, and `customer_id` of all customers whose numbers may have changed since."""

    snapshot: DataFrame
    changed_ids: DataFrame


@dataclass(frozen=True, slots=True)
class Baselines:
    """The baseline of the snapshot, and that of the profile collection, which is one publication older. None means that every
    customer must be looked at."""

    snapshot: Baseline | None = None
    profiles: Baseline | None = None

    @property
    def changed_ids(self) -> DataFrame | None:
        """Customers changed since either baseline are treated as changed in both, so their rows are read once."""
        baseline = self.snapshot or self.profiles
        return baseline.changed_ids if baseline else None


def make_snapshot_note(settings: Settings, day: date) -> str:
    """The note for the commit of this day's snapshot."""
    history = version_of(DeltaTable(table_url(settings, CUSTOMER_DAY)))
    return json.dumps(
        {"day": str(day), "table_id": history.table_id, "version": history.version, "counted": _describe_computation()}
    )


def read_snapshot_info(settings: Settings, customers_version: int) -> SnapshotInfo | None:
    """None if the commit has no note, or if its customers were computed differently than now."""
    table = open_table(settings, CUSTOMERS)
    if table is None:
        return None
    # When a table is opened at an older version, deltalake 1.6 lists the newest commits under the numbers of older ones.
    commits = {commit["version"]: commit for commit in table.history(table.version() - customers_version + 1)}
    note = json.loads(commits.get(customers_version, {}).get("userMetadata", "{}"))
    if note.get("counted") != _describe_computation():
        return None
    customers = TableVersion(str(table.metadata().id), customers_version)
    return SnapshotInfo(customers, day_from_text(note["day"]), TableVersion(note["table_id"], note["version"]))


def read_snapshot_version(settings: Settings, customers_version: int) -> TableVersion:
    return version_of(DeltaTable(table_url(settings, CUSTOMERS), version=customers_version))


def find_baselines(
    spark: SparkSession, settings: Settings, published: SnapshotInfo | None, stored: SnapshotInfo | None, day: date
) -> Baselines:
    """`published` is the snapshot that readers see, `stored` the one that the profile collection holds. One of them can't be a
    baseline if the log does not tell what has changed since."""
    now = DeltaTable(table_url(settings, CUSTOMER_DAY))
    changes = {
        info: rows for info in (published, stored) if info and (rows := find_changed_rows(settings, now, info, day)) is not None
    }
    if not changes:
        return Baselines()
    try:
        ids = read_customer_ids(spark, settings, merge_rows(changes.values()))
    except AnalysisException:  # somebody has deleted files of earlier versions
        return Baselines()
    baselines = {info: Baseline(read_customers(spark, settings, info.customers.version), ids) for info in changes}
    return Baselines(baselines.get(published) if published else None, baselines.get(stored) if stored else None)


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """Rows of `customer_day`: those of these days in these files."""

    files: frozenset[str]
    days: frozenset[date]


def merge_rows(parts: Iterable[ChangedRows]) -> ChangedRows:
    """A file of one part may also hold a day of another part. Then more customers are recomputed than necessary."""
    rows = list(parts)
    return ChangedRows(frozenset().union(*(part.files for part in rows)), frozenset().union(*(part.days for part in rows)))


def read_customer_ids(spark: SparkSession, settings: Settings, rows: ChangedRows) -> DataFrame:
    """`customer_id` of all customers who have one of these rows. Reads plain Parquet files: some belong to earlier versions of
    the Delta table, and each version would need a plan of its own."""
    url = table_url(settings, CUSTOMER_DAY)
    if not rows.files:
        return spark.createDataFrame([], f"{CUSTOMER_ID} string")
    files = spark.read.schema(f"day date, {CUSTOMER_ID} string").parquet(*(f"{url}/{file}" for file in sorted(rows.files)))
    return files.where(match_days("day", rows.days)).select(CUSTOMER_ID).distinct()


def find_changed_rows(settings: Settings, now: DeltaTable, info: SnapshotInfo, day: date) -> ChangedRows | None:
    """The rows of all customers whose numbers as of `day` may differ from the snapshot `info`. These are the rows of days that
    were rewritten since, before and after (a customer who lost a row has changed too), and those of days that enter or leave a
    window. None if that can't be known, or if too many days were rewritten."""
    if info.customer_day.table_id != version_of(now).table_id:
        return None
    rewritten = read_changed_days(now, info.customer_day.version)
    if rewritten is None:
        return None
    try:
        before = _list_files(DeltaTable(table_url(settings, CUSTOMER_DAY), version=info.customer_day.version))
    except DeltaError:  # the log no longer has that version
        return None
    after = _list_files(now)
    days = rewritten | {each for first, last in find_moved_spans(info.day, day) for each in days_between(first, last)}
    if not after or len(rewritten) > MAX_CHANGED_SHARE * _count_days(after):
        return None
    files = {file.path for file in before if file.may_have(rewritten)} | {file.path for file in after if file.may_have(days)}
    return ChangedRows(frozenset(files), frozenset(days))


def find_moved_spans(then: date, day: date) -> list[tuple[date, date]]:
    """First and last days of the spans that count as of one of the two days but not as of the other: the days between the two,
    and for each window the days at its far end."""
    early, late = sorted((then, day))
    if early == late:
        return []
    shifts = [timedelta(0), *(timedelta(days=reach) for reach in sorted(REACHES))]
    return [(early - shift + timedelta(days=1), late - shift) for shift in shifts]


def _describe_computation() -> str:
    return f"{COMPUTATION} {definition()}"


def version_of(table: DeltaTable) -> TableVersion:
    return TableVersion(str(table.metadata().id), table.version())


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """A file of `customer_day`, and the first and last day of its rows."""

    path: str
    first: date
    last: date

    def may_have(self, days: Collection[date]) -> bool:
        return any(self.first <= day <= self.last for day in days)


def _count_days(files: Collection[HistoryFile]) -> int:
    return (max(file.last for file in files) - min(file.first for file in files)).days + 1


def _list_files(table: DeltaTable) -> list[HistoryFile]:
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", "min.day", "max.day"])
    return [HistoryFile(*file) for file in zip(*actions.to_pydict().values(), strict=True)]
