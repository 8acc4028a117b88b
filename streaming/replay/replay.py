"""Sends waiting messages through the parser again, unchanged or repaired, exactly once.

First, one commit on quarantine claims the rows of this replay and stores its repair. The appended events are a function of that
claim alone, and their commit carries the claim's id as Delta's txnAppId, so they are appended once, however often it is tried.
Last, the rows are marked as replayed. A replay that is killed leaves its claim, and the next replay, whatever its options,
finishes it first: an append that happened is skipped, the missing steps are done. Two replays at once can't claim the same row
or both append one claim; Delta refuses the later commit.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

from cdp.lake.paths import EVENTS, table_url
from cdp.lake.tables import STREAM_TABLES
from cdp.settings import Settings
from streaming.events.parse import select_events, select_refusals
from streaming.replay import rows as replay_rows
from streaming.replay.repairs import Repair, parse_repair_text
from streaming.replay.rows import WAITS, Claim, Selection
from streaming.replay.summary import ReplaySummary, parse_again, summarise
from streaming.tables import ensure_tables


@dataclass(frozen=True, slots=True)
class ReplayArguments:
    """The checked options of the command line."""

    selection: Selection
    repair: Repair
    dry_run: bool


def replay(
    spark: SparkSession,
    settings: Settings,
    arguments: ReplayArguments,
    now: datetime,
    print_line: Callable[[str], None],
) -> ReplaySummary:
    """Turn the selected rows that pass into events; a dry run only counts. Prints the summary and returns it."""
    replay_rows.read_quarantine(spark, settings)  # fails if there is none
    if arguments.dry_run:
        for claim in replay_rows.read_unfinished_claims(spark, settings):
            print_line(f"the replay {claim.replay_id} was interrupted; the next one without --dry-run finishes it first")
    else:
        ensure_tables(settings, STREAM_TABLES)
        for claim in replay_rows.read_unfinished_claims(spark, settings):
            finish(spark, settings, claim, now)
            print_line(f"finished the interrupted replay {claim.replay_id}: {claim.repair_text or 'no repair'}")
    waiting = replay_rows.read_quarantine(spark, settings).where(WAITS)
    selected = waiting.where(arguments.selection.condition)
    outcome = parse_again(settings, selected, arguments.repair).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        summary = summarise(waiting, outcome)
        if summary.days and not arguments.dry_run:
            claim = Claim(uuid.uuid4().hex, str(arguments.repair), *summary.days)
            claimed = replay_rows.claim_rows(spark, settings, outcome.where("refusal IS NULL"), claim)
            finish(spark, settings, claim, now)
            if claimed < summary.passing.total():
                print_line(f"another replay claimed {summary.passing.total() - claimed:,} of the passing rows meanwhile")
    finally:
        outcome.unpersist()
    print_line(_describe(summary, arguments))
    return summary


def finish(spark: SparkSession, settings: Settings, claim: Claim, now: datetime) -> None:
    """Append the events of the claim unless that has happened, then mark its rows."""
    repair, rows = parse_repair_text(claim.repair_text), replay_rows.read_quarantine(spark, settings).where(claim.rows)
    parsed = repair.parse(settings, replay_rows.restore_messages(rows)).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        _append(select_events(parsed), settings, claim.replay_id)
        _release_refused(spark, settings, claim, select_refusals(parsed))
        replay_rows.mark_replayed(spark, settings, claim, now)
    finally:
        parsed.unpersist()


def _append(events: DataFrame, settings: Settings, replay_id: str) -> None:
    writer = events.repartition("event_day").write.format("delta").mode("append")
    writer.option("txnAppId", replay_id).option("txnVersion", 0).save(table_url(settings, EVENTS))


def _release_refused(spark: SparkSession, settings: Settings, claim: Claim, refusals: DataFrame) -> None:
    """All claimed rows passed when they were claimed. If the parser refuses some now, the code has changed since the claim was
    interrupted, and the rows without an event wait again. This runs after the append: nobody can append them for this claim
    any more."""
    if not refusals.isEmpty():
        without_event = replay_rows.select_without_event(spark, settings, refusals)
        replay_rows.release_rows(spark, settings, without_event, claim)


def _describe(summary: ReplaySummary, arguments: ReplayArguments) -> str:
    if not summary.waiting:
        return "no row waits in quarantine"
    if not summary.selected:
        return f"no waiting row is selected; all waiting rows:\n{summary.list_waiting()}"
    passing = summary.passing.total()
    if arguments.dry_run:
        return f"{summary.text('would pass')}\n\ndry run: nothing was changed"
    result = f"rows that became events: {passing:,}; the next night restates their days" if passing else "nothing was changed"
    return f"{summary.text('passed')}\n\n{result}"
