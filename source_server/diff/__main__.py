"""The command line: the code of ./run diff.

python -m source_server.diff FILE --table T [--key K,…] [--columns THEIRS=OURS,…] [--dry-run]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from pathlib import Path

import duckdb

from cdp.errors import first_line
from cdp.programs import check_arguments_only
from cdp.settings import current
from source_server.diff.columns import require_table
from source_server.diff.folder import process_folder
from source_server.diff.options import ExportOptions, make_options, parse_key, parse_renames, read_declarations
from source_server.diff.refusal import DiffRefused
from source_server.diff.run import DiffMode, compare_file
from source_server.intake.mapping import Shape
from source_server.intake.refusal import FileRefused
from source_server.produce.kafka import LoadStopped
from source_server.produce.producer import PRODUCER_ERRORS
from source_server.produce.stopping import stop_on_signal

STOPPED = "stopped; the next run of this table, with any file, sends the rest first."


def main(argv: list[str] | None = None) -> int:
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        options = None if arguments.folder else _read_options(arguments)
        if check_arguments_only():
            return 0
        with stop_on_signal() as stop:
            return _compare_folder(stop) if options is None else _compare(arguments, options, stop)
    except LoadStopped:
        parser.exit(1, f"{parser.prog}: {STOPPED}\n")
    except (FileRefused, DiffRefused, OSError, duckdb.Error, *PRODUCER_ERRORS) as error:
        parser.exit(1, f"{parser.prog}: {first_line(error)}\n")


def _compare(arguments: argparse.Namespace, options: ExportOptions, stop: threading.Event) -> int:
    mode = DiffMode(arguments.dry_run, arguments.allow_deletes, arguments.resend)
    report = compare_file(current(), arguments.file, options, mode, stop)
    print(json.dumps(report.as_json()) if arguments.json else report)
    return 0


def _compare_folder(stop: threading.Event) -> int:
    status = 0
    for outcome in process_folder(current(), stop):
        print(outcome, flush=True)
        status = status if outcome.report else 1
    return status


def _read_options(arguments: argparse.Namespace) -> ExportOptions:
    if not (arguments.file and arguments.table):
        raise FileRefused("name a file and its table: FILE --table T; or --folder alone.")
    if not arguments.file.is_file():
        raise FileRefused(f"{arguments.file} is not a file.")
    if not arguments.tables:
        shape = Shape(delimiter=arguments.delimiter)
        return make_options(arguments.table, parse_key(arguments.key), parse_renames(arguments.columns), shape)
    if arguments.key or arguments.columns or arguments.delimiter:
        raise FileRefused("--tables says all about the columns; leave out --key, --columns and --delimiter.")
    return read_declarations(arguments.tables).get(require_table(arguments.table)) or make_options(arguments.table)


def _parse_delimiter(text: str) -> str:
    character = "\t" if text in ("tab", r"\t") else text
    if len(character) != 1 or not character.isascii() or character in '\r\n"':
        raise argparse.ArgumentTypeError(f"{text!r} is not one character or the word tab")
    return character


def _make_parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m source_server.diff")
    parser = argparse.ArgumentParser(
        prog=name, description="Compares an export of a table with the last one and sends the differences. See docs/diff.md."
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="CSV or TSV with a header, also .gz, .zst, .zip")
    parser.add_argument("--table", metavar="T", help="the platform's table: orders, customers, …")
    parser.add_argument("--key", default="", metavar="K,…", help="the file's columns of the key; by default those of the table")
    parser.add_argument("--columns", default="", metavar="THEIRS=OURS,…", help="rename columns of the file")
    parser.add_argument("--delimiter", type=_parse_delimiter, metavar="C", help="what separates values, such as ';' or tab")
    parser.add_argument("--tables", type=Path, metavar="FILE", help="a TOML file that describes the columns and the text")
    parser.add_argument("--dry-run", action="store_true", help="count the differences and show the first; send nothing")
    parser.add_argument("--allow-deletes", action="store_true", help="also if more than a third of the rows is missing")
    parser.add_argument("--resend", action="store_true", help="send all rows again")
    parser.add_argument("--folder", action="store_true", help="take all files of CDP_DIFF_FOLDER, as Airflow's DAG diff does")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
