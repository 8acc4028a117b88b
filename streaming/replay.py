"""Quarantine to events: waiting messages go through the parser again, as they came or repaired. docs/replay.md

python -m streaming.replay [--reason R...] [--field F...] [--from DAY] [--to DAY] [REPAIRS] [--dry-run]

Exactly once, because a claim comes first. One commit on quarantine says which rows this replay takes and with which repair.
What is appended to the events is a function of that claim alone, and its commit carries the claim's id as Delta's txnAppId:
it is there once, whoever does it and however often. Only then are the rows marked. A replay that is killed leaves its claim;
the next replay, whatever it was asked for, finishes it first: an append that had happened is passed over, and what was
missing is done. Two at once can't claim the same row, and can't both append one claim; Delta refuses the later commit.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from delta import exceptions as delta
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

from cdp.days import day_from_text
from cdp.events import REASONS
from cdp.paths import EVENTS, table_url
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, root_cause, session
from streaming import replay_rows
from streaming.parse import good, parse, refused
from streaming.repairs import FIELD_NAMES, Repair, Unknown, add_repairs, one_of, repair_asked, repair_told
from streaming.replay_rows import WAITS, Claim, NoQuarantine, Selection
from streaming.replay_summary import Summary, outcome, summarise
from streaming.tables import ensure_tables

Say = Callable[[str], None]
#: Delta says that another commit came first, after patience has ended or where it would not help.
CONFLICTS = (
    delta.DeltaConcurrentModificationException,
    delta.ConcurrentWriteException,
    delta.MetadataChangedException,
    delta.ProtocolChangedException,
    delta.ConcurrentAppendException,
    delta.ConcurrentDeleteReadException,
    delta.ConcurrentDeleteDeleteException,
    delta.ConcurrentTransactionException,
)


class ReplayFailed(RuntimeError):
    """It did not come to its end. The message says why; nothing is lost or doubled by doing it again."""


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
    found = outcome(waiting.where(asked.selection.condition), asked.repair).persist(StorageLevel.MEMORY_AND_DISK)
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
    parsed = parse(replay_rows.messages(rows), repair.bounds, repair.texts).persist(StorageLevel.MEMORY_AND_DISK)
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


def run(settings: Settings, asked: Asked, quiet: bool) -> None:
    spark = session(settings, "cdp replay", settings.spark_job_cores, quiet=quiet)
    try:
        replay(spark, settings, asked, datetime.now(UTC), lambda line: print(line, flush=True))
    except CONFLICTS as error:
        raise ReplayFailed(
            "another program changed the same rows meanwhile, a second replay or a compaction. Nothing is lost or doubled;"
            " the same command again, when the other has ended, goes on."
        ) from error
    except (Py4JError, PySparkException) as error:
        raise ReplayFailed(f"{root_cause(error)}; on {settings.hdfs_url}. See ./run status; the same again goes on.") from error
    finally:
        spark.stop()


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        run(current(), _asked(given), quiet=not given.debug)
    except (SettingError, SparkAway, Unknown, NoQuarantine, ReplayFailed) as error:
        if given.debug:
            raise
        parser.exit(1, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"{parser.prog}: stopped; the same again goes on.\n")
    return 0


def _asked(given: argparse.Namespace) -> Asked:
    reasons = [one_of(word, (reason.code for reason in REASONS), "reason") for word in given.reason]
    fields = [one_of(word, FIELD_NAMES, "field") for word in given.field]
    first, last = _day("--from", given.first), _day("--to", given.last)
    if first and last and last < first:
        raise Unknown(f"the range ends ({last}) before it begins ({first}).")
    return Asked(Selection(reasons, fields, first, last), repair_asked(given), given.dry_run)


def _day(option: str, text: str | None) -> date | None:
    try:
        return day_from_text(text) if text is not None else None
    except ValueError as error:
        raise Unknown(f"{option}: {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m streaming.replay"),
        description="Gives quarantined messages to the parser again, as they came or repaired. docs/replay.md",
    )
    words: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    parser.add_argument("--reason", **words, metavar="R", help=f"only these: {', '.join(reason.code for reason in REASONS)}")
    parser.add_argument("--field", **words, metavar="F", help="only where this field is to blame")
    parser.add_argument("--from", dest="first", metavar="DAY", help="only what was received on this day or later, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", metavar="DAY", help="only what was received on this day or earlier")
    add_repairs(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would pass and what would remain; change nothing")
    parser.add_argument("--debug", action="store_true", help="Spark's own log, and the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
