"""Snapshots of past days: the customers as they were on days that no night published. Charts that look back over months need
them: the grid and the flow of RFM groups, and the history of a segment.

A snapshot is a version of the Delta table `customers` and a row of mart.past_snapshot. The row is written last, so after a kill
the same command continues with the first missing day. The serving publication does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.customers.accounts import read_accounts, read_shop_versions
from batch.customers.lineage import make_snapshot_note
from batch.customers.rfm_tables import build_rfm_day, build_rfm_flow
from batch.customers.snapshot import aggregate_customers, build_snapshot
from batch.gate.checks import ShopTotals
from batch.gate.figures import read_snapshot_totals
from batch.hdfs.changes import EventsVersion, find_changed_days, read_events_version
from batch.hdfs.tables import read_history, write_customers
from batch.night import Night, keep_in_memory
from batch.pace import DayPace, format_seconds
from batch.plan import TableVersion, find_version_of_day
from batch.steps import Steps
from batch.stores.copy import lines_of
from batch.stores.mart import (
    PastSnapshot,
    read_past_snapshots,
    read_published_versions,
    read_serving_publication,
    read_step_seconds,
    sum_days_up_to,
)
from batch.stores.publish import publish_past
from batch.stores.staging import Staging
from cdp.lake.paths import CUSTOMER_DAY, INTERACTIONS
from cdp.mart.charts import RFM_DAY, RFM_FLOW
from cdp.metrics import definition

Every = Literal["day", "week", "month"]
EVERY: tuple[Every, ...] = get_args(Every)
_ENDS: Mapping[Every, Callable[[date], bool]] = {
    "day": lambda day: True,
    "week": lambda day: day.isoweekday() == 7,
    "month": lambda day: (day + timedelta(days=1)).day == 1,
}


class SnapshotDiffers(RuntimeError):
    """The snapshot of a past day does not add up to the shop's daily numbers."""


@dataclass(frozen=True, slots=True)
class PastHistory:
    """All rows that the snapshots are computed from, in memory. All rows of a customer are in one partition."""

    days: DataFrame
    interactions: DataFrame
    accounts: DataFrame | None


def list_past_days(every: Every, first: date, last: date) -> list[date]:
    """Each day, Sunday or last day of a month from the first day up to the day before the last, which a night publishes."""
    days = (first + timedelta(days=number) for number in range((last - first).days))
    return [day for day in days if _ENDS[every](day)]


def make_snapshots(night: Night, every: Every, first: date, last: date) -> None:
    """Make the snapshots that are missing or outdated. The first lines say how many there are and how long they will take."""
    serving = read_serving_publication(night.connection)
    assert serving is not None, "a night publishes the last day first"
    now = read_events_version(night.settings)
    first = max(first, min(now.days))
    requested = list_past_days(every, first, last)
    days = _find_missing_days(night, now, requested)
    existing = f", {len(requested) - len(days):,} exist already" if len(days) < len(requested) else ""
    night.say(f"snapshots of past days: one per {every} from {first} to {last}, {len(days):,} to make{existing}")
    if not days:
        return
    seconds = read_step_seconds(night.connection, serving.id, "customers")
    night.say(
        f"  about {format_seconds(seconds * len(days))}, if each takes {seconds:.0f} s like the customers step of the last night;"
        f" readers keep publication {serving.id}; after a stop, the same command continues"
    )
    pace = DayPace(len(days))
    # The version that the published days were computed from. The stream may have appended events since.
    events = TableVersion(now.table_id, find_version_of_day(read_published_versions(night.connection, now.table_id), last))
    with _keep_history(night, last) as history:
        for day in days:
            _make_snapshot(night, history, day, events, pace.next_day())


def _find_missing_days(night: Night, now: EventsVersion, days: Sequence[date]) -> list[date]:
    """The days without a snapshot, and those whose events or metric definitions have changed since their snapshot was made."""
    snapshots = read_past_snapshots(night.connection, now.table_id, definition())
    existing = {snapshot.day: snapshot for snapshot in snapshots if snapshot.day in set(days)}
    oldest = min((snapshot.events_version for snapshot in existing.values()), default=now.version)
    changed = find_changed_days(night.settings, now, oldest)

    def is_current(snapshot: PastSnapshot) -> bool:
        return not any(day <= snapshot.day and version > snapshot.events_version for day, version in changed.items())

    return [day for day in days if day not in existing or not is_current(existing[day])]


@contextmanager
def _keep_history(night: Night, last: date) -> Iterator[PastHistory]:
    """Read once for all snapshots. `recent`, by far the largest column, is dropped: only profiles need it."""
    with ExitStack() as frames:

        def keep(table: str) -> DataFrame:
            rows = read_history(night.spark, night.settings, table).where(F.col("day") <= F.lit(last)).drop("recent")
            return frames.enter_context(keep_in_memory(rows.repartition("customer_id")))

        accounts = read_accounts(night.spark, night.settings, read_shop_versions(night.settings))
        if accounts is not None:
            frames.enter_context(keep_in_memory(accounts))
        yield PastHistory(keep(CUSTOMER_DAY), keep(INTERACTIONS), accounts)


def _make_snapshot(night: Night, history: PastHistory, day: date, events: TableVersion, pace: str) -> None:
    steps = Steps(night.say)
    with steps.step(f"{day}") as note, ExitStack() as frames:
        aggregates = frames.enter_context(keep_in_memory(aggregate_customers(history.days, history.interactions, day)))
        snapshot = frames.enter_context(keep_in_memory(build_snapshot(aggregates, day, history.accounts)))
        customers_version = write_customers(snapshot, night.settings, make_snapshot_note(night.settings, day))
        _fill_charts(night, snapshot, day)
        totals = _require_same_totals(night, customers_version, day)
        record = PastSnapshot(
            day, customers_version, events.table_id, events.version, definition(), totals.customers, night.clock()
        )
        publish_past(night.connection, (RFM_DAY, RFM_FLOW), record)
        note(f"{totals.customers:,} customers, version {customers_version}{pace}")


def _fill_charts(night: Night, snapshot: DataFrame, day: date) -> None:
    lines = lines_of(build_rfm_day(snapshot, day), RFM_DAY).union(lines_of(build_rfm_flow(snapshot, day), RFM_FLOW))
    Staging(night.connection, night.settings).fill((RFM_DAY, RFM_FLOW), lines)


def _require_same_totals(night: Night, customers_version: int, day: date) -> ShopTotals:
    """The same check as the gate's: the snapshot has the customers, orders and money of all days up to its own."""
    totals, expected = read_snapshot_totals(night.settings, customers_version), ShopTotals(*sum_days_up_to(night.connection, day))
    if totals != expected:
        raise SnapshotDiffers(f"the snapshot of {day} has {totals}, the daily numbers have {expected}; it was not recorded.")
    return totals
