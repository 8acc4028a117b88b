"""Writes a made history of shop events to a file, in the columns that the importer reads.

    python -m source_server.generate --out history.parquet
    python -m source_server.generate --out next-day.csv.gz --from 2019-11-01 --to 2019-11-01

The second file goes on exactly where the first one ends. What is made lives in source_server/history/.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from cdp.days import day_from_text
from source_server.history.files import ENDINGS, keeps_lines, written
from source_server.history.processes import made
from source_server.history.shop import Shop, arrivals
from source_server.history.summary import Summary

DAYS, CUSTOMERS, EVENTS, SEED, LAST_DAY = 60, 15_000, 300_000, 7, date(2019, 10, 31)
#: Told after each part that was written: how many of how many, and the rows so far.
Progress = Callable[[int, int, int], None]


def write_history(shop: Shop, first: date, last: date, path: Path, jobs: int = 1, progress: Progress | None = None) -> Summary:
    """Write what arrives on the days from first to last, in order of arrival; the file appears when it is whole."""
    shop = replace(shop, lines=keeps_lines(path))
    parts = shop.parts(first, last)
    wanted = [part for part in parts if part.day >= first]
    summary = Summary()
    with written(path) as write:
        for number, table in enumerate(arrivals(made(shop, parts, jobs), first), start=1):
            write(table)
            summary.add(table)
            if progress:
                progress(number, len(wanted), summary.rows)
    return summary


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(argv)
    first_day = asked.last_day - timedelta(days=asked.days - 1)
    shop = Shop(asked.seed, first_day, asked.customers, asked.events)
    first, last = asked.first or first_day, asked.last or asked.last_day
    try:
        summary = write_history(shop, first, last, asked.out, asked.jobs, _on_a_line if sys.stderr.isatty() else None)
    except (ValueError, OSError) as error:
        parser.exit(1, f"generate: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "generate: interrupted; nothing was written.\n")
    print(summary)
    if asked.report:
        from source_server.history.realism import report  # here: it brings DuckDB, which the rest does without

        print(f"\n{report(asked.out)}")
    return 0


def _on_a_line(done: int, parts: int, rows: int) -> None:
    print(f"\r{rows:,} rows, {done:,} of {parts:,} parts", end="\n" if done == parts else "", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m source_server.generate", description="Writes a made history of shop events.")
    parser.add_argument("--out", type=Path, required=True, help=f"the file to write: {', '.join(ENDINGS)}")
    parser.add_argument("--days", type=_count, default=DAYS, help="days of the history (default %(default)s)")
    parser.add_argument(
        "--customers", type=_count, default=CUSTOMERS, help="about how many customers 60 days see (default %(default)s)"
    )
    parser.add_argument("--events", type=_count, default=EVENTS, help="about how many events 60 days hold (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed, the same history (default %(default)s)")
    parser.add_argument("--last-day", type=_day, default=LAST_DAY, help="last day of the history (default %(default)s)")
    parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="write only from this day on")
    parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="write only up to this day; may lie after --last-day")
    parser.add_argument(
        "--jobs", type=_count, default=os.cpu_count() or 1, help="processes; they don't change the rows (%(default)s)"
    )
    parser.add_argument("--report", action="store_true", help="also show the history beside the shop it is modelled on")
    return parser


def _day(text: str) -> date:
    try:
        return day_from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
