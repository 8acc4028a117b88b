"""Writes a generated history of shop events to a file, in the columns that the importer reads.

    python -m source_server.generate --out history.parquet
    python -m source_server.generate --out next-day.csv.gz --from 2019-11-01 --to 2019-11-01

The second file continues exactly where the first one ends. The generator itself is in source_server/history/.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from cdp.cli import parse_count, parse_day
from source_server.history.catalogue import EVENTS
from source_server.history.files import ENDINGS, can_keep_lines, open_history
from source_server.history.processes import make_parts
from source_server.history.seeds import SEED
from source_server.history.shop import Shop, arrivals
from source_server.history.summary import Summary

DAYS, CUSTOMERS, LAST_DAY = 60, 15_000, date(2019, 10, 31)
#: Called after each written part: parts written, parts in all, rows so far.
Progress = Callable[[int, int, int], None]


def write_history(shop: Shop, first: date, last: date, path: Path, jobs: int = 1, progress: Progress | None = None) -> Summary:
    """Write the rows that arrive on the days from first to last, in order of arrival. The file appears when it is complete."""
    shop = replace(shop, lines=can_keep_lines(path))
    parts = shop.parts(first, last)
    requested = [part for part in parts if part.day >= first]
    summary = Summary()
    with open_history(path) as write:
        for number, table in enumerate(arrivals(make_parts(shop, parts, jobs), first), start=1):
            write(table)
            summary.add(table)
            if progress:
                progress(number, len(requested), summary.rows)
    return summary


def main(argv: list[str] | None = None) -> int:
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    first_day = arguments.last_day - timedelta(days=arguments.days - 1)
    shop = Shop(arguments.seed, first_day, arguments.customers, arguments.events)
    first, last = arguments.first or first_day, arguments.last or arguments.last_day
    progress = _print_progress if sys.stderr.isatty() else None
    try:
        summary = write_history(shop, first, last, arguments.out, arguments.jobs, progress)
    except (ValueError, OSError) as error:
        parser.exit(1, f"generate: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "generate: interrupted; nothing was written.\n")
    print(summary)
    if arguments.report:
        from source_server.history.realism import report  # imported here, because only the report needs DuckDB

        print(f"\n{report(arguments.out)}")
    return 0


def _print_progress(written: int, parts: int, rows: int) -> None:
    end = "\n" if written == parts else ""
    print(f"\r{rows:,} rows, {written:,} of {parts:,} parts", end=end, file=sys.stderr, flush=True)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m source_server.generate", description="Writes a generated history of shop events."
    )
    parser.add_argument("--out", type=Path, required=True, help=f"the file to write: {', '.join(ENDINGS)}")
    parser.add_argument("--days", type=parse_count, default=DAYS, help="days of the history (default %(default)s)")
    parser.add_argument(
        "--customers",
        type=parse_count,
        default=CUSTOMERS,
        help="approximate customers in 60 days (default %(default)s)",
    )
    parser.add_argument("--events", type=parse_count, default=EVENTS, help="approximate events in 60 days (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed gives the same history (default %(default)s)")
    parser.add_argument("--last-day", type=parse_day, default=LAST_DAY, help="last day of the history (default %(default)s)")
    parser.add_argument("--from", dest="first", type=parse_day, metavar="DAY", help="write only from this day on")
    parser.add_argument(
        "--to", dest="last", type=parse_day, metavar="DAY", help="write only to this day; may be after --last-day"
    )
    parser.add_argument(
        "--jobs",
        type=parse_count,
        default=os.cpu_count() or 1,
        help="processes; they don't change the rows (%(default)s)",
    )
    parser.add_argument("--report", action="store_true", help="also compare the history with the shop it is modelled on")
    return parser


if __name__ == "__main__":
    sys.exit(main())
