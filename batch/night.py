"""One night: a day published. Reads, transforms and writes are wired here and live in their own modules.

Up to the last step readers see the publication before; a night that fails anywhere is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from batch.changes import EventsNow, NoEvents, changed_after, events_now
from batch.chart_tables import AS_OF, OF_DAYS, as_of_lines, day_lines, fill_as_of, fill_days
from batch.compact import compact
from batch.customer_day import customer_day
from batch.customers import customers
from batch.events import events_of_days, events_once
from batch.interactions import interactions
from batch.kpi_day import kpi_day, newcomers
from batch.mart import Serving, days_lacking, published, serving
from batch.plan import NEVER, days_to_restate, known_since
from batch.profile_store import next_collection, write_profiles
from batch.profiles import profiles
from batch.publish import DailyNumbers, Publication, publish
from batch.staging import Staging
from batch.steps import StepFailed, Steps
from batch.tables import days_written, read_customers, read_events, read_history, write_customers, write_days
from cdp.paths import CUSTOMER_DAY, INTERACTIONS
from cdp.settings import Settings
from cdp.spark import root_cause
from cdp.table import Table

#: Twenty-seven years; a broken clock can't make more of them than the parser lets through.
MOST_DAYS = 10_000


class TooManyDays(RuntimeError):
    """Numbers a day are small, so that the driver may hold them; more is a mistake."""


@dataclass(frozen=True, slots=True)
class Night:
    """What the nights of one run have in common."""

    settings: Settings
    spark: SparkSession
    connection: Connection
    clock: Callable[[], datetime]
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a publication will be made of."""

    id: int
    day: date
    before: Serving | None
    events: EventsNow
    days: Sequence[date]  # to restate

    @property
    def is_needless(self) -> bool:
        return not self.days and self.before is not None and self.before.day == self.day


@dataclass(slots=True)
class Progress:
    """What the steps have found so far, for the publication row."""

    numbers: DailyNumbers = field(default_factory=lambda: DailyNumbers((), (), {}))
    counts: dict[str, int] = field(default_factory=dict)
    customers_version: int = 0
    collection: str = ""
    staged: list[Table] = field(default_factory=list)


def publish_day(night: Night, day: date, everything: bool = False) -> None:
    """Publish the state as of the end of `day`, after restating the days that are behind, or every day."""
    night.say(f"night {day}")
    steps, made = Steps(night.say), Progress()
    with steps.step("plan") as note:
        plan = make_plan(night, day, everything)
        note(f"{len(plan.days)} days to restate, version {plan.events.version} of the events")
    if plan.is_needless:
        night.say(f"  nothing has changed since publication {plan.id - 1} of {day}; it goes on serving")
        return
    made.counts["days_restated"] = len(plan.days)
    if plan.days:
        _restate(night, plan, steps, made)
    _take_stock(night, plan, steps, made)
    with steps.step("publication") as note:
        publish(night.connection, made.numbers, made.staged, _publication(night, plan, steps, made))
        note(f"publication {plan.id} serves {day}")


def keep_house(night: Night, last_day: date) -> None:
    """After publication, so that readers need not wait for it. It can't fail the night: all it does can be done later."""
    steps = Steps(night.say)
    try:
        with steps.step("compaction") as note:
            note(str(compact(night.spark, night.settings, last_day, night.clock()) or "every day is compact"))
    except StepFailed as failed:
        reason = root_cause(failed.__cause__ or failed)
        night.say(f"  compaction   failed: {reason}; what was published stands, and the next night tries again")


def make_plan(night: Night, day: date, everything: bool) -> Plan:
    now, past, before = events_now(night.settings), published(night.connection), serving(night.connection)
    if not any(event_day <= day for event_day in now.days):
        first = f"the first is of {min(now.days)}" if now.days else "there are none at all"
        raise NoEvents(f"no event is of {day} or before; {first}.")
    if everything:
        past = []
    since = known_since(past, day)
    changed = {} if since == NEVER else changed_after(night.spark, night.settings, now, since)
    # A platform that was published by an earlier version has no interactions and no rows for charts of its days yet.
    lacking = now.days - days_written(night.settings, INTERACTIONS) | days_lacking(night.connection)
    days = days_to_restate(now.days, changed, past, day, lacking)
    return Plan(before.id + 1 if before else 1, day, before, now, days)


def _restate(night: Night, plan: Plan, steps: Steps, made: Progress) -> None:
    """The rows of the days that are behind: on HDFS, and the daily ones beside their place in Postgres."""
    came = events_of_days(read_events(night.spark, night.settings, plan.events.version), plan.days)
    with _kept(events_once(came)) as events:
        with steps.step("customer_day") as note:
            write_days(customer_day(events), night.settings, CUSTOMER_DAY, plan.days)
            once, copies = events.count(), came.count() - events.count()
            made.counts["copies"] = copies
            note(f"{once:,} events, {copies:,} copies left out")
        with steps.step("interactions"):
            write_days(interactions(events), night.settings, INTERACTIONS, plan.days)
        history = read_history(night.spark, night.settings, CUSTOMER_DAY)
        restated = history.where(F.col("day").isin(list(plan.days)))
        with steps.step("kpi_day") as note, _kept(newcomers(history)) as first_days:
            kpis = _rows(kpi_day(events, restated, first_days))
            made.numbers = DailyNumbers(plan.days, kpis, {row.day: row.new_customers for row in _rows(first_days)})
            note(f"{len(kpis):,} days")
        with steps.step("staging") as note:
            rows = fill_days(_staging(night, plan), day_lines(events, restated), plan.days, made.numbers.by_day())
            made.staged += OF_DAYS
            note(f"{rows:,} rows of {len(OF_DAYS)} tables by COPY, checked")


def _take_stock(night: Night, plan: Plan, steps: Steps, made: Progress) -> None:
    """The customers as of the day: the snapshot on HDFS, and the collection of profiles that nobody reads yet."""
    history = read_history(night.spark, night.settings, CUSTOMER_DAY)
    with steps.step("customers") as note:
        done = read_history(night.spark, night.settings, INTERACTIONS)
        made.customers_version = write_customers(customers(history, done, plan.day), night.settings)
        snapshot = read_customers(night.spark, night.settings, made.customers_version)
        made.counts["customers"] = snapshot.count()
        note(f"{made.counts['customers']:,} customers, version {made.customers_version}")
    with steps.step("charts") as note:
        lines = as_of_lines(snapshot, history, plan.day)
        rows = fill_as_of(_staging(night, plan), lines, plan.day, made.numbers.by_day())
        made.staged += AS_OF
        note(f"{rows:,} rows of {len(AS_OF)} tables by COPY, checked")
    with steps.step("profiles") as note:
        made.collection = next_collection(plan.before.profiles_collection if plan.before else None)
        written = write_profiles(night.settings, profiles(snapshot, history, plan.day), made.collection)
        note(f"{made.collection}: {written.written:,} written, {written.unchanged:,} unchanged, {written.removed:,} removed")


def _staging(night: Night, plan: Plan) -> Staging:
    return Staging(night.connection, night.settings, plan.id)


def _publication(night: Night, plan: Plan, steps: Steps, made: Progress) -> Publication:
    return Publication(
        id=plan.id,
        day=plan.day,
        published_at=night.clock(),
        customers_version=made.customers_version,
        events_version=plan.events.version,
        profiles_collection=made.collection,
        counts=made.counts,
        seconds=steps.seconds,
    )


@contextmanager
def _kept(frame: DataFrame) -> Iterator[DataFrame]:
    """A frame that is used more than once."""
    frame.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield frame
    finally:
        frame.unpersist()


def _rows(frame: DataFrame) -> list[Row]:
    """A row a day."""
    rows = frame.limit(MOST_DAYS + 1).collect()
    if len(rows) > MOST_DAYS:
        raise TooManyDays(f"the events lie on more than {MOST_DAYS:,} days.")
    return rows
