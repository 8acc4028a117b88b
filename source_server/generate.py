"""Writes a made history of shop events to a parquet file, in the columns that the importer reads.

    python -m source_server.generate --out history.parquet
    python -m source_server.generate --out next-day.parquet --from 2019-11-01 --to 2019-11-01

The second file goes on exactly where the first one ends. What is made lives in source_server/history/.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cdp.days import day_from_text
from source_server.columns import ROW_GROUP_ROWS
from source_server.history.rows import COLUMNS, Row
from source_server.history.shop import Shop
from source_server.history.summary import Summary

SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
DAYS, CUSTOMERS, EVENTS, SEED, LAST_DAY = 60, 15_000, 300_000, 7, date(2019, 10, 31)


def write_history(shop: Shop, first: date, last: date, path: Path) -> Summary:
    """Write what arrives on the days from first to last, in order of arrival; the file appears when it is whole."""
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is not a folder; make it first.")
    summary = Summary()
    part = path.with_name(f".{path.name}.part")
    try:
        with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
            for _, rows in shop.arrivals(first, last):
                writer.write_table(_table(rows), row_group_size=ROW_GROUP_ROWS)
                summary.add(rows)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return summary


def _table(rows: list[Row]) -> pa.Table:
    columns = zip(*(row.values for row in rows), strict=True) if rows else ((),) * len(COLUMNS)
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(argv)
    first_day = asked.last_day - timedelta(days=asked.days - 1)
    shop = Shop(asked.seed, first_day, asked.customers, asked.events)
    try:
        summary = write_history(shop, asked.first or first_day, asked.last or asked.last_day, asked.out)
    except (ValueError, OSError) as error:
        parser.exit(1, f"generate: {error}\n")
    print(summary)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m source_server.generate", description="Writes a made history of shop events.")
    parser.add_argument("--out", type=Path, required=True, help="the parquet file to write")
    parser.add_argument("--days", type=_count, default=DAYS, help="days of the history (default %(default)s)")
    parser.add_argument(
        "--customers", type=_count, default=CUSTOMERS, help="about how many customers 60 days see (default %(default)s)"
    )
    parser.add_argument("--events", type=_count, default=EVENTS, help="about how many events 60 days hold (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed, the same history (default %(default)s)")
    parser.add_argument("--last-day", type=_day, default=LAST_DAY, help="last day of the history (default %(default)s)")
    parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="write only from this day on")
    parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="write only up to this day; may lie after --last-day")
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
