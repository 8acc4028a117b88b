"""The replay command; see docs/replay.md.

python -m streaming.replay [--reason R...] [--field F...] [--from DAY] [--to DAY] [REPAIRS] [--dry-run] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from delta import exceptions as delta
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from cdp.days import day_from_text
from cdp.events import FIELD_NAMES, REASONS
from cdp.programs import check_arguments_only
from cdp.settings import SettingError, Settings, current
from cdp.spark import SparkUnavailable, end_session, root_cause, session
from streaming.replay.repairs import InvalidOption, add_repairs, parse_repair, require_known
from streaming.replay.replay import ReplayArguments, replay
from streaming.replay.rows import QuarantineMissing, Selection
from streaming.replay.summary import ReplaySummary
from streaming.tables import ForeignTable

#: Delta's errors when another commit came first: after the retries, or where a retry would not help.
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
    """The replay failed; the message says why. Running it again loses and doubles nothing."""


def run(settings: Settings, arguments: ReplayArguments, quiet: bool, print_line: Callable[[str], None]) -> ReplaySummary:
    spark = session(settings, "cdp replay", settings.spark_job_cores, quiet=quiet)
    try:
        return replay(spark, settings, arguments, datetime.now(UTC), print_line)
    except CONFLICTS as error:
        raise ReplayFailed(
            "another program changed the same rows: a second replay or a compaction. Nothing is lost or doubled;"
            " when it has ended, run the same command again to continue."
        ) from error
    except (Py4JError, PySparkException, OSError) as error:
        raise ReplayFailed(
            f"{root_cause(error)}; on {settings.hdfs_url}. See ./run status; run the same command again to continue."
        ) from error
    finally:
        end_session(spark)


def main(argv: list[str] | None = None) -> int:
    parser = _make_parser()
    options = parser.parse_args(argv)
    try:
        arguments = _check_options(options)
        if check_arguments_only():
            return 0
        summary = run(current(), arguments, not options.debug, _ignore_line if options.json else _print_line)
        if options.json:
            _print_line(json.dumps(summary.as_json()))
    except (SettingError, SparkUnavailable, InvalidOption, QuarantineMissing, ForeignTable, ReplayFailed) as error:
        if options.debug:
            raise
        parser.exit(1, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"{parser.prog}: stopped; run the same command again to continue.\n")
    return 0


def _print_line(line: str) -> None:
    print(line, flush=True)


def _ignore_line(line: str) -> None:
    """With --json, only the counts are printed: the lines contain parts of messages, which must not get into Airflow's log."""


def _check_options(options: argparse.Namespace) -> ReplayArguments:
    reasons = [require_known(word, (reason.code for reason in REASONS), "reason") for word in options.reason]
    fields = [require_known(word, FIELD_NAMES, "field") for word in options.field]
    first, last = _parse_day("--from", options.first), _parse_day("--to", options.last)
    if first and last and last < first:
        raise InvalidOption(f"the range ends ({last}) before it begins ({first}).")
    return ReplayArguments(Selection(reasons, fields, first, last), parse_repair(options), options.dry_run)


def _parse_day(option: str, text: str | None) -> date | None:
    try:
        return day_from_text(text) if text is not None else None
    except ValueError as error:
        raise InvalidOption(f"{option}: {error}") from None


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=os.environ.get("PROGRAM_NAME", "python -m streaming.replay"),
        description="Sends quarantined messages through the parser again, unchanged or repaired. See docs/replay.md.",
    )
    words: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    parser.add_argument("--reason", **words, metavar="R", help=f"only these: {', '.join(reason.code for reason in REASONS)}")
    parser.add_argument("--field", **words, metavar="F", help="only messages refused because of this field")
    parser.add_argument("--from", dest="first", metavar="DAY", help="only messages received on this day or later, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", metavar="DAY", help="only messages received on this day or earlier")
    add_repairs(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="show which messages would pass and which would remain; change nothing"
    )
    parser.add_argument("--json", action="store_true", help="print only the counts, as one line of JSON")
    parser.add_argument("--debug", action="store_true", help="show Spark's log and the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
