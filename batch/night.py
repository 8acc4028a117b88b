"""Publishes one day. This module wires the reads, transforms and writes, which live in their own modules.

Readers see the previous publication until the last step. A night that failed in any step can be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from psycopg2.extensions import connection as Connection
from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from batch.customers.accounts import read_accounts, read_shop_versions
from batch.customers.documents import Written
from batch.customers.lineage import (
    Baseline,
    Baselines,
    find_baselines,
    make_snapshot_note,
    read_snapshot_info,
    read_snapshot_version,
)
from batch.customers.newcomers import count_newcomers
from batch.customers.profiles import build_changed_profiles, profiles
from batch.customers.snapshot import aggregate_customers, build_snapshot, reuse_unchanged, select_rows_of
from batch.days.customer_day import build_customer_days
from batch.days.events import deduplicate, select_days, sum_events
from batch.days.interactions import build_interactions
from batch.days.kpi_day import build_kpi_days
from batch.gate.figures import EventSums, NightWork, gather_figures
from batch.gate.verdict import judge, require_open, summarise
from batch.hdfs.changes import EventsVersion, NoEvents, find_changed_days, list_event_files, read_events_version
from batch.hdfs.compact import compact
from batch.hdfs.compactions import read_compactions, record_compactions
from batch.hdfs.tables import (
    count_customers,
    has_current_layout,
    read_customers,
    read_events,
    read_history,
    read_interactions_version,
    write_customers,
    write_days,
)
from batch.hdfs.upkeep import run_upkeep
from batch.plan import NEVER, TableVersion, find_days_to_restate, find_oldest_version
from batch.runs import RunRecord, begin_run, record_failures
from batch.steps import StepFailed, Steps
from batch.stores.chart_tables import AS_OF_TABLES, DAY_TABLES, make_as_of_lines, make_day_lines
from batch.stores.mart import (
    ServingPublication,
    find_incomplete_days,
    read_published_days,
    read_published_versions,
    read_serving_publication,
)
from batch.stores.profile_store import CustomersSnapshot, Place, choose_collection, connect_collection, fill, read_stored_snapshot
from batch.stores.publish import DailyNumbers, NewPublication, publish
from batch.stores.staging import Staging
from cdp.lake.paths import CUSTOMER_DAY, INTERACTIONS
from cdp.mart.nights import STEPS, Accepted, CheckOutcome, RunState
from cdp.mart.table import Table
from cdp.settings import Settings
from cdp.spark import root_cause

#: Twenty-seven years: more than the parser lets a broken clock produce.
MAX_DAYS = 10_000


class TooManyDays(RuntimeError):
    """The driver collects one row per day, which is small. More days than the limit are a mistake."""


@dataclass(frozen=True, slots=True)
class Night:
    """What every night of one run needs."""

    settings: Settings
    spark: SparkSession
    connection: Connection
    clock: Callable[[], datetime]
    say: Callable[[str], None]
    accepted: Sequence[Accepted] = ()  # checks that may fail


@dataclass(frozen=True, slots=True)
class NightPlan:
    """What the new publication will contain."""

    id: int
    day: date
    before: ServingPublication | None
    events: EventsVersion
    days: Sequence[date]  # to restate
    everything: bool  # restate every day and recompute every customer
    shop: Mapping[str, TableVersion]  # the tables of the shop's database

    @property
    def is_needless(self) -> bool:
        is_same_state = self.before is not None and (self.before.day, self.before.shop_versions) == (self.day, self.shop)
        return is_same_state and not self.days


@dataclass(slots=True)
class NightProgress:
    """What the steps have produced so far, for the publication row."""

    numbers: DailyNumbers = field(default_factory=lambda: DailyNumbers((), {}, {}))
    counts: dict[str, int] = field(default_factory=dict)
    customers_version: int = 0
    interactions_version: int = 0
    collection: str = ""
    staged_tables: list[Table] = field(default_factory=list)
    sums: Sequence[EventSums] = ()
    checks: Sequence[CheckOutcome] = ()


def publish_day(night: Night, day: date, everything: bool = False, run: RunRecord | None = None) -> RunState:
    """Publish the state as of the end of `day`, after restating the days that are behind, or every day. The night is recorded in
    `run`, or in a new record."""
    night.say(f"night {day}")
    run = run or begin_run(night.connection, night.settings, day, night.clock, night.accepted)
    with record_failures(run):
        steps = Steps(night.say, run.begin_step, STEPS)
        state = _publish(night, day, everything, run, steps)
        run.end(state, steps.seconds)
    return state


def _publish(night: Night, day: date, everything: bool, run: RunRecord, steps: Steps) -> RunState:
    progress = NightProgress()
    with steps.step("plan") as note:
        plan = make_plan(night, day, everything)
        note(f"{len(plan.days)} days to restate, events at version {plan.events.version}")
    if plan.is_needless:
        night.say(f"  nothing has changed: publication {plan.id - 1} of {day} stays in use")
        return "needless"
    progress.counts["days_restated"] = len(plan.days)
    if plan.days:
        _restate(night, plan, steps, progress)
    progress.interactions_version = read_interactions_version(night.settings)
    _snapshot_customers(night, plan, steps, progress)
    _pass_gate(night, plan, steps, progress, run)
    with steps.step("publication") as note:
        run.record_publication(plan.id)
        publish(night.connection, progress.numbers, progress.staged_tables, _make_publication(night, plan, steps, progress))
        note(f"publication {plan.id} serves {day}")
    return "published"


def run_maintenance(night: Night, last_day: date) -> None:
    """Compaction and upkeep, after publication, so that readers need not wait. They can't fail the night: both can be done
    later."""
    steps, now = Steps(night.say), night.clock()
    jobs = {
        "compaction": lambda: compact(night.spark, night.settings, last_day, now) or "nothing to compact",
        "upkeep": lambda: run_upkeep(night.spark, night.settings, now.date()),
    }
    for name, job in jobs.items():
        try:
            with steps.step(name) as note:
                note(str(job()))
        except StepFailed as error:
            reason = root_cause(error.__cause__ or error)
            night.say(f"  {name:<12} failed: {reason}; the publication is not affected, and the next night tries again")


def make_plan(night: Night, day: date, everything: bool) -> NightPlan:
    now, before = read_events_version(night.settings), read_serving_publication(night.connection)
    if not any(event_day <= day for event_day in now.days):
        first = f"the first are on {min(now.days)}" if now.days else "there are none at all"
        raise NoEvents(f"there are no events on or before {day}; {first}.")
    published = [] if everything else read_published_versions(night.connection, now.table_id)
    oldest = find_oldest_version(published, day)
    changed = {} if oldest == NEVER else find_changed_days(night.settings, now, oldest)
    # A published day is restated even if all its events were removed, but not if only an earlier table of events had it.
    is_other_table = before is not None and not (everything or published)
    numbered = frozenset() if is_other_table else read_published_days(night.connection)
    has_tables = all(has_current_layout(night.settings, table) for table in (CUSTOMER_DAY, INTERACTIONS))
    lacking = find_incomplete_days(night.connection) if has_tables else numbered
    days = find_days_to_restate(now.days | numbered | changed.keys(), changed, published, day, lacking)
    return NightPlan(before.id + 1 if before else 1, day, before, now, days, everything, read_shop_versions(night.settings))


def _restate(night: Night, plan: NightPlan, steps: Steps, progress: NightProgress) -> None:
    """Write the rows of the days that are behind: on HDFS, and in the staging tables of Postgres."""
    rows = select_days(read_events(night.spark, night.settings, plan.events.version), plan.days)
    with keep_in_memory(deduplicate(rows)) as events:
        with steps.step("customer_day") as note:
            write_days(build_customer_days(events), night.settings, CUSTOMER_DAY, plan.days)
            progress.sums = [EventSums(*row) for row in _collect_days(sum_events(events))]
            count = sum(day.events for day in progress.sums)
            copies = progress.counts["copies"] = rows.count() - count
            note(f"{count:,} events, {copies:,} copies left out")
        with steps.step("interactions"):
            write_days(build_interactions(events), night.settings, INTERACTIONS, plan.days)
        history = read_history(night.spark, night.settings, CUSTOMER_DAY)
        restated = history.where(F.col("day").isin(list(plan.days)))
        with steps.step("kpi_day") as note:
            kpis = {row.pop("day"): row for row in (row.asDict() for row in _collect_days(build_kpi_days(events, restated)))}
            progress.numbers = DailyNumbers(plan.days, kpis, count_newcomers(night.settings))
            note(f"{len(kpis):,} days")
        with steps.step("staging") as note:
            copied = _make_staging(night).fill(DAY_TABLES, make_day_lines(events, restated))
            progress.staged_tables += DAY_TABLES
            note(f"{copied:,} rows of {len(DAY_TABLES)} tables by COPY")


def _snapshot_customers(night: Night, plan: NightPlan, steps: Steps, progress: NightProgress) -> None:
    """Write the customers as of the day: the snapshot on HDFS, and the profile collection that nobody reads yet."""
    history = read_history(night.spark, night.settings, CUSTOMER_DAY)
    progress.collection = choose_collection(plan.before.profiles_collection if plan.before else None)
    with ExitStack() as frames:
        with steps.step("customers") as note:
            place = connect_collection(night.settings, progress.collection)
            baselines, rows = _find_baselines(night, plan, place), history
            if baselines.changed_ids is not None:
                frames.enter_context(keep_in_memory(baselines.changed_ids))
                rows = frames.enter_context(keep_in_memory(select_rows_of(baselines.changed_ids, history)))
            baseline = baselines.snapshot
            recomputed = _write_snapshot(night, plan, progress, baseline, rows if baseline else history)
            snapshot = read_customers(night.spark, night.settings, progress.customers_version)
            progress.counts["customers"] = count_customers(night.settings, progress.customers_version)
            note(f"{progress.counts['customers']:,} customers, {recomputed} recomputed, version {progress.customers_version}")
        with steps.step("charts") as note:
            copied = _make_staging(night).fill(AS_OF_TABLES, make_as_of_lines(snapshot, history, plan.day))
            progress.staged_tables += AS_OF_TABLES
            note(f"{copied:,} rows of {len(AS_OF_TABLES)} tables by COPY")
        with steps.step("profiles") as note:
            version = read_snapshot_version(night.settings, progress.customers_version)
            customers = CustomersSnapshot(version, snapshot, progress.counts["customers"])
            changed = build_changed_profiles(snapshot, rows, plan.day, baselines.profiles) if baselines.profiles else None
            report = fill(place, customers, changed, profiles(snapshot, history, plan.day), Written(plan.day, plan.id))
            note(f"{progress.collection}: {report.written:,} written, {report.unchanged:,} unchanged, {report.removed:,} removed")


def _write_snapshot(night: Night, plan: NightPlan, progress: NightProgress, baseline: Baseline | None, rows: DataFrame) -> str:
    """`rows` are the days of the customers to recompute. Returns how many those are, as text."""
    interactions = read_history(night.spark, night.settings, INTERACTIONS)
    if baseline:
        interactions = select_rows_of(baseline.changed_ids, interactions)
    recomputed = aggregate_customers(rows, interactions, plan.day)
    with keep_in_memory(reuse_unchanged(baseline, recomputed) if baseline else recomputed) as aggregates:
        accounts = read_accounts(night.spark, night.settings, plan.shop)
        snapshot, note = build_snapshot(aggregates, plan.day, accounts), make_snapshot_note(night.settings, plan.day)
        progress.customers_version = write_customers(snapshot, night.settings, note)
    return f"{baseline.changed_ids.count():,} of them" if baseline else "all"


def _find_baselines(night: Night, plan: NightPlan, place: Place) -> Baselines:
    if plan.everything or plan.before is None:
        return Baselines()
    published = read_snapshot_info(night.settings, plan.before.customers_version)
    return find_baselines(night.spark, night.settings, published, read_stored_snapshot(night.settings, place), plan.day)


def _pass_gate(night: Night, plan: NightPlan, steps: Steps, progress: NightProgress, run: RunRecord) -> None:
    """Run the checks on what was written, before any reader sees it. A failed check stops the night."""

    def record_missing_compactions() -> None:
        now = list_event_files(night.settings)
        record = read_compactions(night.settings, now.table_id)
        record_compactions(night.spark, night.settings, record, now, night.clock())

    with steps.step("gate") as note:
        copies = progress.counts.get("copies", 0)
        work = NightWork(
            day=plan.day,
            events_version=plan.events.version,
            customers_version=progress.customers_version,
            numbers=progress.numbers,
            staged_tables=progress.staged_tables,
            sums=progress.sums,
            copies=copies,
        )
        figures = gather_figures(night.connection, night.settings, work, record_missing_compactions)
        progress.checks = judge(figures, night.accepted)
        run.record_checks(progress.checks)
        require_open(progress.checks, plan.day)
        note(summarise(progress.checks))


def _make_staging(night: Night) -> Staging:
    return Staging(night.connection, night.settings)


def _make_publication(night: Night, plan: NightPlan, steps: Steps, progress: NightProgress) -> NewPublication:
    return NewPublication(
        id=plan.id,
        day=plan.day,
        published_at=night.clock(),
        customers_version=progress.customers_version,
        interactions_version=progress.interactions_version,
        shop_versions=plan.shop,
        events_table=plan.events.table_id,
        events_version=plan.events.version,
        profiles_collection=progress.collection,
        counts=progress.counts,
        seconds=steps.seconds,
        checks=progress.checks,
    )


@contextmanager
def keep_in_memory(frame: DataFrame) -> Iterator[DataFrame]:
    """Persist a frame that is used more than once."""
    frame.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield frame
    finally:
        # If the JVM was killed there is nothing to unpersist; let the original error surface.
        with suppress(Py4JError, OSError):
            frame.unpersist()


def _collect_days(frame: DataFrame) -> list[Row]:
    """Collect a frame that has one row per day."""
    rows = frame.limit(MAX_DAYS + 1).collect()
    if len(rows) > MAX_DAYS:
        raise TooManyDays(f"the events are spread over more than {MAX_DAYS:,} days.")
    return rows
