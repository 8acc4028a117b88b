"""Snapshots of past days: the customers as they were on days that no night published. They feed what looks back over months:
the grid and the flow of RFM groups, and the history of a segment.

A snapshot is a version of the Delta table `customers` and a row of mart.past_snapshot. The row is written last, so a run that was
killed goes on with the next day. The publication that serves is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.customers.rfm_tables import rfm_day, rfm_flow
from batch.customers.snapshot import counted, customers
from batch.customers.standing import Version, note_of
from batch.gate.checks import Totals
from batch.gate.figures import snapshot_totals
from batch.hdfs.changes import EventsNow, changed_after, events_now
from batch.hdfs.tables import read_history, write_customers
from batch.night import Night, kept_in_memory
from batch.pace import Pace, left
from batch.plan import version_of_day
from batch.steps import Steps
from batch.stores.copy import lines_of
from batch.stores.mart import PastSnapshot, past_snapshots, seconds_of_step, serving, totals_up_to
from batch.stores.mart import published as published_days
from batch.stores.publish import publish_past
from batch.stores.staging import Staging
from cdp.chart_tables import RFM_DAY, RFM_FLOW
from cdp.metrics import definition
from cdp.paths import CUSTOMER_DAY, INTERACTIONS

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
class History:
    """Every row that the snapshots are counted from, kept in memory; all rows of a customer are in one partition."""

    days: DataFrame
    interactions: DataFrame


def past_days(every: Every, first: date, last: date) -> list[date]:
    """Each day, each Sunday or each last day of a month, from the first day on and before the last, which a night publishes."""
    days = (first + timedelta(days=number) for number in range((last - first).days))
    return [day for day in days if _ENDS[every](day)]


def make_snapshots(night: Night, every: Every, first: date, last: date) -> None:
    """Make the snapshots that are missing or out of date. The first lines say how many there are and how long they will take."""
    published = serving(night.connection)
    assert published is not None, "a night publishes the last day first"
    now = events_now(night.settings)
    first = max(first, min(now.days))
    wanted = past_days(every, first, last)
    days = _missing(night, now, wanted)
    there = f", {len(wanted) - len(days):,} are there already" if len(days) < len(wanted) else ""
    night.say(f"snapshots of past days: one a {every} from {first} to {last}, {len(days):,} to make{there}")
    if not days:
        return
    each = seconds_of_step(night.connection, published.id, "customers")
    night.say(
        f"  about {left(each * len(days))}, {each:.0f} s each as the customers of the last publication took; readers keep"
        f" publication {published.id}, and the same command goes on where it is stopped"
    )
    pace = Pace(len(days))
    # What the days are computed from, which the stream may have gone beyond.
    events = Version(now.table_id, version_of_day(published_days(night.connection, now.table_id), last))
    with _kept_history(night, last) as history:
        for day in days:
            _make_snapshot(night, history, day, events, pace.place())


def _missing(night: Night, now: EventsNow, days: Sequence[date]) -> list[date]:
    """The days without a snapshot, and those whose events or metric definitions have changed since their snapshot was made."""
    there = {found.day: found for found in past_snapshots(night.connection, now.table_id, definition()) if found.day in set(days)}
    oldest = min((found.events_version for found in there.values()), default=now.version)
    changed = changed_after(night.settings, now, oldest)

    def is_current(snapshot: PastSnapshot) -> bool:
        return not any(day <= snapshot.day and version > snapshot.events_version for day, version in changed.items())

    return [day for day in days if day not in there or not is_current(there[day])]


@contextmanager
def _kept_history(night: Night, last: date) -> Iterator[History]:
    """Read once for all snapshots. `recent` is the profiles' alone, and by far the largest column."""
    with ExitStack() as kept:

        def keep(table: str) -> DataFrame:
            rows = read_history(night.spark, night.settings, table).where(F.col("day") <= F.lit(last)).drop("recent")
            return kept.enter_context(kept_in_memory(rows.repartition("customer_id")))

        yield History(keep(CUSTOMER_DAY), keep(INTERACTIONS))


def _make_snapshot(night: Night, history: History, day: date, events: Version, place: str) -> None:
    steps = Steps(night.say)
    with steps.step(f"{day}") as note, ExitStack() as kept:
        everyone = kept.enter_context(kept_in_memory(counted(history.days, history.interactions, day)))
        snapshot = kept.enter_context(kept_in_memory(customers(everyone, day)))
        customers_version = write_customers(snapshot, night.settings, note_of(night.settings, day))
        _fill_charts(night, snapshot, day)
        totals = _require_same_totals(night, customers_version, day)
        record = PastSnapshot(
            day, customers_version, events.table_id, events.version, definition(), totals.customers, night.clock()
        )
        publish_past(night.connection, (RFM_DAY, RFM_FLOW), record)
        note(f"{totals.customers:,} customers, version {customers_version}{place}")


def _fill_charts(night: Night, snapshot: DataFrame, day: date) -> None:
    lines = lines_of(rfm_day(snapshot, day), RFM_DAY).union(lines_of(rfm_flow(snapshot, day), RFM_FLOW))
    Staging(night.connection, night.settings).fill((RFM_DAY, RFM_FLOW), lines)


def _require_same_totals(night: Night, customers_version: int, day: date) -> Totals:
    """The gate's own check: the snapshot has the customers, orders and money of all days up to its own."""
    found, wanted = snapshot_totals(night.settings, customers_version), Totals(*totals_up_to(night.connection, day))
    if found != wanted:
        raise SnapshotDiffers(f"the snapshot of {day} has {found}; the daily numbers have {wanted}. It was not recorded.")
    return found
