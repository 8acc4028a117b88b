"""The command of a replay. docs/replay.md

python -m streaming.replay [--reason R...] [--field F...] [--from DAY] [--to DAY] [REPAIRS] [--dry-run]
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, date, datetime
from typing import Any

from delta import exceptions as delta
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from cdp.days import day_from_text
from cdp.events import FIELD_NAMES, REASONS
from cdp.programs import only_words
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkAway, end_session, root_cause, session
from streaming.replay.repairs import Unknown, add_repairs, one_of, repair_asked
from streaming.replay.replay import Asked, replay
from streaming.replay.rows import NoQuarantine, Selection
from streaming.tables import ForeignTable

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


def run(settings: Settings, asked: Asked, quiet: bool) -> None:
    spark = session(settings, "cdp replay", settings.spark_job_cores, quiet=quiet)
    try:
        replay(spark, settings, asked, datetime.now(UTC), lambda line: print(line, flush=True))
    except CONFLICTS as error:
        raise ReplayFailed(
            "another program changed the same rows meanwhile, a second replay or a compaction. Nothing is lost or doubled;"
            " the same command again, when the other has ended, goes on."
        ) from error
    except (Py4JError, PySparkException, OSError) as error:
        raise ReplayFailed(f"{root_cause(error)}; on {settings.hdfs_url}. See ./run status; the same again goes on.") from error
    finally:
        end_session(spark)


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        asked = _asked(given)
        if only_words():
            return 0
        run(current(), asked, quiet=not given.debug)
    except (SettingError, SparkAway, Unknown, NoQuarantine, ForeignTable, ReplayFailed) as error:
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
