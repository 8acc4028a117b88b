"""Waiting messages go through the parser again, as they came or repaired.

Exactly once, because a claim comes first. One commit on quarantine says which rows this replay takes and with which repair.
What is appended to the events is a function of that claim alone, and its commit carries the claim's id as Delta's txnAppId:
it is there once, whoever does it and however often. Only then are the rows marked. A replay that is killed leaves its claim;
the next replay, whatever it was asked for, finishes it first: an append that had happened is passed over, and what was
missing is done. Two at once can't claim the same row, and can't both append one claim; Delta refuses the later commit.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

from cdp.paths import EVENTS, table_url
from cdp.settings import Settings
from streaming.parse import good, refused
from streaming.replay import rows as replay_rows
from streaming.replay.repairs import Repair, repair_told
from streaming.replay.rows import WAITS, Claim, Selection
from streaming.replay.summary import Summary, outcome, summarise
from streaming.tables import ensure_tables

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, checked."""

    selection: Selection
    repair: Repair
    dry_run: bool


def replay(spark: SparkSession, settings: Settings, asked: Asked, now: datetime, say: Say) -> Summary:
    """Bring selected rows that pass into the events; a dry run only counts. What it did is said, and is the answer."""
    replay_rows.quarantine(spark, settings)  # is it there?
    if asked.dry_run:
        for left in replay_rows.unfinished(spark, settings):
            say(f"the replay {left.replay_id} was cut off; the next one without --dry-run finishes it first")
    else:
        ensure_tables(spark, settings)
        for left in replay_rows.unfinished(spark, settings):
            finish(spark, settings, left, now)
            say(f"finished the replay {left.replay_id} that was cut off: {left.told or 'no repair'}")
    waiting = replay_rows.quarantine(spark, settings).where(WAITS)
    found = outcome(settings, waiting.where(asked.selection.condition), asked.repair).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        summary = summarise(waiting, found)
        if summary.days and not asked.dry_run:
            mine = Claim(uuid.uuid4().hex, str(asked.repair), *summary.days)
            took = replay_rows.claim(spark, settings, found.where("refusal IS NULL"), mine)
            finish(spark, settings, mine, now)
            if took < summary.passing.total():
                say(f"another replay took {summary.passing.total() - took:,} of the rows that passed meanwhile")
    finally:
        found.unpersist()
    say(_told(summary, asked))
    return summary


def finish(spark: SparkSession, settings: Settings, claim: Claim, now: datetime) -> None:
    """Append the events of the claim unless they are there, then mark its rows."""
    repair, rows = repair_told(claim.told), replay_rows.quarantine(spark, settings).where(claim.rows)
    parsed = repair.parse(settings, replay_rows.messages(rows)).persist(StorageLevel.MEMORY_AND_DISK)
    try:
        _append(good(parsed), settings, claim.replay_id)
        _release_lost(spark, settings, claim, refused(parsed))
        replay_rows.mark(spark, settings, claim, now)
    finally:
        parsed.unpersist()


def _append(events: DataFrame, settings: Settings, replay_id: str) -> None:
    writer = events.repartition("event_day").write.format("delta").mode("append")
    writer.option("txnAppId", replay_id).option("txnVersion", 0).save(table_url(settings, EVENTS))


def _release_lost(spark: SparkSession, settings: Settings, claim: Claim, no_event: DataFrame) -> None:
    """Claimed rows passed when they were claimed. Where they do no longer, the code has changed since the claim was cut off:
    those that were not appended before it was wait again. After the append: nobody can append them for this claim now."""
    if not no_event.isEmpty():
        lost = replay_rows.without_event(spark, settings, no_event)
        replay_rows.release(spark, settings, lost, claim)


def _told(summary: Summary, asked: Asked) -> str:
    if not summary.waiting:
        return "nothing waits in quarantine"
    if not summary.selected:
        return f"no waiting row is selected; there wait\n{summary.what_waits()}"
    passing = summary.passing.total()
    if asked.dry_run:
        return f"{summary.text('would pass')}\n\na dry run: nothing was changed"
    done = f"rows that became events: {passing:,}; the next night restates their days" if passing else "nothing was changed"
    return f"{summary.text('passed')}\n\n{done}"
