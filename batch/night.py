"""One night: a day published. Reads, transforms and writes are wired here and live in their own modules.

Up to the last step readers see the publication before; a night that fails anywhere is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from psycopg2.extensions import connection as Connection
from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from batch.customers.documents import Written
from batch.customers.newcomers import newcomers
from batch.customers.profiles import profiles, profiles_moved
from batch.customers.snapshot import carried, counted, customers, of
from batch.customers.standing import Earlier, Grounds, grounds, note_of, standing, version_of
from batch.days.customer_day import customer_day
from batch.days.events import event_sums, events_of_days, events_once
from batch.days.interactions import interactions
from batch.days.kpi_day import kpi_day
from batch.gate.figures import EventSums, Work, gathered
from batch.gate.verdict import judged, require_open, summary
from batch.hdfs.changes import EventsNow, NoEvents, changed_after, event_files, events_now
from batch.hdfs.compact import compact
from batch.hdfs.compactions import read_book, write_down
from batch.hdfs.tables import (
    count_customers,
    is_written_by_month,
    read_customers,
    read_events,
    read_history,
    write_customers,
    write_days,
)
from batch.hdfs.upkeep import upkeep
from batch.plan import NEVER, days_to_restate, known_since
from batch.runs import Run, begin, recorded
from batch.steps import StepFailed, Steps
from batch.stores.chart_tables import AS_OF, OF_DAYS, as_of_lines, day_lines
from batch.stores.mart import Serving, days_lacking, days_published, published, serving
from batch.stores.profile_store import Customers, Place, fill, held, next_collection, place_of
from batch.stores.publish import DailyNumbers, Publication, publish
from batch.stores.staging import Staging
from cdp.nights import Accepted, CheckOutcome, RunState
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
    accepted: Sequence[Accepted] = ()  # checks that may fail


@dataclass(frozen=True, slots=True)
class Plan:
    """What a publication will be made of."""

    id: int
    day: date
    before: Serving | None
    events: EventsNow
    days: Sequence[date]  # to restate
    everything: bool  # and every customer, whatever is known of the publication before

    @property
    def is_needless(self) -> bool:
        return not self.days and self.before is not None and self.before.day == self.day


@dataclass(slots=True)
class Progress:
    """What the steps have found so far, for the publication row."""

    numbers: DailyNumbers = field(default_factory=lambda: DailyNumbers((), {}, {}))
    counts: dict[str, int] = field(default_factory=dict)
    customers_version: int = 0
    collection: str = ""
    staged: list[Table] = field(default_factory=list)
    sums: Sequence[EventSums] = ()
    checks: Sequence[CheckOutcome] = ()


def publish_day(night: Night, day: date, everything: bool = False, run: Run | None = None) -> RunState:
    """Publish the state as of the end of `day`, after restating the days that are behind, or every day. Its record is `run`,
    or a new one."""
    night.say(f"night {day}")
    run = run or begin(night.connection, night.settings, day, night.clock, night.accepted)
    with recorded(run):
        steps = Steps(night.say, run.at)
        state = _published(night, day, everything, run, steps)
        run.ended(state, steps.seconds)
    return state


def _published(night: Night, day: date, everything: bool, run: Run, steps: Steps) -> RunState:
    made = Progress()
    with steps.step("plan") as note:
        plan = make_plan(night, day, everything)
        note(f"{len(plan.days)} days to restate, version {plan.events.version} of the events")
    if plan.is_needless:
        night.say(f"  nothing has changed since publication {plan.id - 1} of {day}; it goes on serving")
        return "needless"
    made.counts["days_restated"] = len(plan.days)
    if plan.days:
        _restate(night, plan, steps, made)
    _take_stock(night, plan, steps, made)
    _gate(night, plan, steps, made, run)
    with steps.step("publication") as note:
        run.publishes(plan.id)
        publish(night.connection, made.numbers, made.staged, _publication(night, plan, steps, made))
        note(f"publication {plan.id} serves {day}")
    return "published"


def keep_house(night: Night, last_day: date) -> None:
    """After publication, so that readers need not wait for it. It can't fail the night: all it does can be done later."""
    steps, now = Steps(night.say), night.clock()
    works = {
        "compaction": lambda: compact(night.spark, night.settings, last_day, now) or "every day is compact",
        "upkeep": lambda: upkeep(night.spark, night.settings, now.date()),
    }
    for name, work in works.items():
        try:
            with steps.step(name) as note:
                note(str(work()))
        except StepFailed as failed:
            reason = root_cause(failed.__cause__ or failed)
            night.say(f"  {name:<12} failed: {reason}; what was published stands, and the next night tries again")


def make_plan(night: Night, day: date, everything: bool) -> Plan:
    now, before = events_now(night.settings), serving(night.connection)
    if not any(event_day <= day for event_day in now.days):
        first = f"the first is of {min(now.days)}" if now.days else "there are none at all"
        raise NoEvents(f"no event is of {day} or before; {first}.")
    past = [] if everything else published(night.connection, now.table_id)
    since = known_since(past, day)
    changed = {} if since == NEVER else changed_after(night.settings, now, since)
    # A day of which every event was removed is restated too, to nothing; not one that only an earlier table of events had.
    is_other_table = before is not None and not (everything or past)
    numbered = frozenset() if is_other_table else days_published(night.connection)
    has_tables = all(is_written_by_month(night.settings, table) for table in (CUSTOMER_DAY, INTERACTIONS))
    lacking = days_lacking(night.connection) if has_tables else numbered
    days = days_to_restate(now.days | numbered | changed.keys(), changed, past, day, lacking)
    return Plan(before.id + 1 if before else 1, day, before, now, days, everything)


def _restate(night: Night, plan: Plan, steps: Steps, made: Progress) -> None:
    """The rows of the days that are behind: on HDFS, and the daily ones beside their place in Postgres."""
    came = events_of_days(read_events(night.spark, night.settings, plan.events.version), plan.days)
    with kept_in_memory(events_once(came)) as events:
        with steps.step("customer_day") as note:
            write_days(customer_day(events), night.settings, CUSTOMER_DAY, plan.days)
            made.sums = [EventSums(*row) for row in _rows(event_sums(events))]
            once = sum(day.events for day in made.sums)
            copies = made.counts["copies"] = came.count() - once
            note(f"{once:,} events, {copies:,} copies left out")
        with steps.step("interactions"):
            write_days(interactions(events), night.settings, INTERACTIONS, plan.days)
        history = read_history(night.spark, night.settings, CUSTOMER_DAY)
        restated = history.where(F.col("day").isin(list(plan.days)))
        with steps.step("kpi_day") as note:
            kpis = {row.pop("day"): row for row in (row.asDict() for row in _rows(kpi_day(events, restated)))}
            made.numbers = DailyNumbers(plan.days, kpis, newcomers(night.settings))
            note(f"{len(kpis):,} days")
        with steps.step("staging") as note:
            rows = _staging(night).fill(OF_DAYS, day_lines(events, restated))
            made.staged += OF_DAYS
            note(f"{rows:,} rows of {len(OF_DAYS)} tables by COPY")


def _take_stock(night: Night, plan: Plan, steps: Steps, made: Progress) -> None:
    """The customers as of the day: the snapshot on HDFS, and the collection of profiles that nobody reads yet."""
    history = read_history(night.spark, night.settings, CUSTOMER_DAY)
    made.collection = next_collection(plan.before.profiles_collection if plan.before else None)
    with ExitStack() as kept:
        with steps.step("customers") as note:
            place = place_of(night.settings, made.collection)
            since, rows = _grounds(night, plan, place), history
            if since.touched is not None:
                kept.enter_context(kept_in_memory(since.touched))
                rows = kept.enter_context(kept_in_memory(of(since.touched, history)))
            told = _write_snapshot(night, plan, made, since.snapshot, rows if since.snapshot else history)
            snapshot = read_customers(night.spark, night.settings, made.customers_version)
            made.counts["customers"] = count_customers(night.settings, made.customers_version)
            note(f"{made.counts['customers']:,} customers, {told} counted anew, version {made.customers_version}")
        with steps.step("charts") as note:
            filled = _staging(night).fill(AS_OF, as_of_lines(snapshot, history, plan.day))
            made.staged += AS_OF
            note(f"{filled:,} rows of {len(AS_OF)} tables by COPY")
        with steps.step("profiles") as note:
            whole = Customers(version_of(night.settings, made.customers_version), snapshot, made.counts["customers"])
            moved = profiles_moved(snapshot, rows, plan.day, since.profiles) if since.profiles else None
            written = fill(place, whole, moved, profiles(snapshot, history, plan.day), Written(plan.day, plan.id))
            note(f"{made.collection}: {written.written:,} written, {written.unchanged:,} unchanged, {written.removed:,} removed")


def _write_snapshot(night: Night, plan: Plan, made: Progress, since: Earlier | None, rows: DataFrame) -> str:
    """`rows` are the days of those who are counted anew; the answer says how many those are."""
    done = read_history(night.spark, night.settings, INTERACTIONS)
    anew = counted(rows, of(since.touched, done) if since else done, plan.day)
    with kept_in_memory(carried(since, anew) if since else anew) as everyone:
        made.customers_version = write_customers(customers(everyone, plan.day), night.settings, note_of(night.settings, plan.day))
    return f"{since.touched.count():,} of them" if since else "all"


def _grounds(night: Night, plan: Plan, place: Place) -> Grounds:
    if plan.everything or plan.before is None:
        return Grounds()
    published = standing(night.settings, plan.before.customers_version)
    return grounds(night.spark, night.settings, published, held(night.settings, place), plan.day)


def _gate(night: Night, plan: Plan, steps: Steps, made: Progress, run: Run) -> None:
    """What was made is held against itself and against the stream; a check that fails stops here, before any reader sees it."""

    def book_compactions() -> None:
        now = event_files(night.settings)
        write_down(night.spark, night.settings, read_book(night.settings, now.table_id), now, night.clock())

    with steps.step("gate") as note:
        copies = made.counts.get("copies", 0)
        work = Work(plan.day, plan.events.version, made.customers_version, made.numbers, made.staged, made.sums, copies)
        made.checks = judged(gathered(night.connection, night.settings, work, book_compactions), night.accepted)
        run.checked(made.checks)
        require_open(made.checks, plan.day)
        note(summary(made.checks))


def _staging(night: Night) -> Staging:
    return Staging(night.connection, night.settings)


def _publication(night: Night, plan: Plan, steps: Steps, made: Progress) -> Publication:
    return Publication(
        id=plan.id,
        day=plan.day,
        published_at=night.clock(),
        customers_version=made.customers_version,
        events_table=plan.events.table_id,
        events_version=plan.events.version,
        profiles_collection=made.collection,
        counts=made.counts,
        seconds=steps.seconds,
        checks=made.checks,
    )


@contextmanager
def kept_in_memory(frame: DataFrame) -> Iterator[DataFrame]:
    """A frame that is used more than once."""
    frame.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield frame
    finally:
        # Of a JVM that was killed nothing is kept; what ended it is to be told.
        with suppress(Py4JError, OSError):
            frame.unpersist()


def _rows(frame: DataFrame) -> list[Row]:
    """A row a day."""
    rows = frame.limit(MOST_DAYS + 1).collect()
    if len(rows) > MOST_DAYS:
        raise TooManyDays(f"the events lie on more than {MOST_DAYS:,} days.")
    return rows
