"""Prints the live numbers: `./run live revenue` and `./run live top`. They need Postgres only."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime

from psycopg2.extensions import cursor as Cursor
from rich.console import Console

from cdp.cli import parse_count
from cdp.mart.live import PROGRESS
from cdp.mart.live_windows import LENGTHS, Order, Progress, last_minutes, read_progress, read_ranking, read_sums
from cdp.mart.shop import CATEGORY, PRODUCT
from cdp.postgres import TABLE_EXISTS
from cdp.programs import check_arguments_only
from cdp.settings import SettingError, current
from streaming.ledger.read import LedgerUnreadable, open_cursor
from streaming.live.report import Change, Ranking, RevenueReport, TopReport

#: Customers are kept for three hours, so visitors of longer windows and of the windows before them would be too few.
MOST_MINUTES = 85


class NoNumbers(RuntimeError):
    """The stream has not written anything yet."""


def _require_progress(cursor: Cursor) -> Progress:
    cursor.execute(TABLE_EXISTS, [PROGRESS.full_name])
    progress = read_progress(cursor) if cursor.fetchone() == (True,) else None
    if progress is None:
        raise NoNumbers("there are no live numbers yet; start the stream: ./run up stream-live")
    return progress


def read_revenue(cursor: Cursor, now: datetime, minutes: int | None) -> RevenueReport:
    """The windows of all lengths, or the one of so many minutes, each beside the window before."""
    progress = _require_progress(cursor)
    windows = [last_minutes(length, now) for length in ((minutes,) if minutes else LENGTHS)]
    changes = [Change(window, read_sums(cursor, window), read_sums(cursor, window.before)) for window in windows]
    return RevenueReport(progress, now, changes)


def read_top(cursor: Cursor, now: datetime, arguments: argparse.Namespace) -> TopReport:
    """Products and categories of a window, with their names where the shop's database is connected."""
    progress, window = _require_progress(cursor), last_minutes(arguments.minutes or max(LENGTHS), now)
    order: Order = "trending" if arguments.trending else "top"
    products = read_ranking(cursor, window, "product", arguments.by, order, arguments.n)
    categories = read_ranking(cursor, window, "category", arguments.by, order, arguments.n)
    rankings = [
        Ranking("products", products, _read_names(cursor, PRODUCT.full_name, "product_id", [each.key for each in products])),
        Ranking("categories", categories, _read_names(cursor, CATEGORY.full_name, "code", [each.key for each in categories])),
    ]
    return TopReport(progress, now, window, arguments.by, order, rankings)


def _read_names(cursor: Cursor, table: str, column: str, keys: list[str]) -> dict[str, str]:
    cursor.execute(f"SELECT {column}, name FROM {table} WHERE {column} = ANY(%s) AND name IS NOT NULL", [keys])
    return dict(cursor.fetchall())


def main(argv: list[str] | None = None) -> int:
    arguments = _make_parser().parse_args(argv)
    if check_arguments_only():
        return 0
    now = datetime.now(UTC)
    try:
        with open_cursor(current(), "cdp live") as cursor:
            report: RevenueReport | TopReport
            if arguments.what == "revenue":
                report = read_revenue(cursor, now, arguments.minutes)
            else:
                report = read_top(cursor, now, arguments)
    except (SettingError, LedgerUnreadable, NoNumbers) as error:
        print(f"live: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(report.as_json(), indent=1, default=str))
    else:
        report.show(Console())
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=os.environ.get("PROGRAM_NAME", "python -m streaming.live"), description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    revenue = commands.add_parser("revenue", help="revenue, orders and visitors of the last minute, 5 minutes and hour")
    top = commands.add_parser("top", help="the products and categories that sell most")
    top.add_argument("-n", type=parse_count, default=10, help="how many of each (default: %(default)s)")
    top.add_argument(
        "--by", choices=("revenue", "units"), default="revenue", help="what they are sorted by (default: %(default)s)"
    )
    top.add_argument("--trending", action="store_true", help="those that gained most over the window before")
    for command, default in ((revenue, "1, 5 and 60"), (top, "60")):
        text = f"length of the window, at most {MOST_MINUTES} (default: {default})"
        command.add_argument("--minutes", type=_parse_minutes, help=text)
        command.add_argument("--json", action="store_true", help="for programs")
    return parser


def _parse_minutes(text: str) -> int:
    if (minutes := parse_count(text)) > MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text} is more than {MOST_MINUTES}")
    return minutes


if __name__ == "__main__":
    sys.exit(main())
