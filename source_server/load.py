"""Loads event files into the source and into Kafka: the code of ./run load. Loading a file twice changes nothing, and an
interrupted load can be continued.

python -m source_server.load FILE... [--mapping FILE] [--dry-run]
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import duckdb

from cdp.programs import check_arguments_only
from cdp.settings import Settings, current
from source_server.afterwards import DayRows, next_steps
from source_server.intake import FileRefused, Mapping, Preview, derive_name, detect_format, make_preview, mapping_for, store
from source_server.produce.kafka import LoadStopped
from source_server.produce.pace import FlatOut
from source_server.produce.producer import PRODUCER_ERRORS, ProducerReport, add_pace, parse_pace, produce
from source_server.produce.stopping import stop_on_signal
from source_server.progress import Progress, show_progress

#: Errors that end a load; each is shown as one line.
LOAD_ERRORS = (FileRefused, store.DatasetBroken, OSError, duckdb.Error, *PRODUCER_ERRORS)


@dataclass(frozen=True, slots=True)
class SentFile:
    """One file that was added to the source, and the report of its producer."""

    dataset: store.Dataset
    report: ProducerReport

    @property
    def finished(self) -> bool:
        return self.report.finished and not self.report.refused

    def __str__(self) -> str:
        return f"{self.dataset.account}\n{self.report}"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of a load: each file that was sent, or each preview of a dry run."""

    requested: int
    sent: tuple[SentFile, ...] = ()
    previews: tuple[Preview, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether every row of every file is in Kafka; for a dry run, whether every file could be read."""
        return sum(each.finished for each in self.sent) + len(self.previews) == self.requested

    def __str__(self) -> str:
        missing = self.requested - len(self.sent) - len(self.previews)
        tail = [f"files not started: {missing}; run the same command again to continue"] if missing else []
        return "\n".join([*map(str, self.previews), *map(str, self.sent), *tail])


def load(
    settings: Settings,
    files: Sequence[Path],
    *,
    mapping: str | None = None,
    dry_run: bool = False,
    pace: FlatOut | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> LoadResult:
    """Add every file to the source, then send each to Kafka. A dry run only reads and previews."""
    mappings = _read_mappings(files, mapping)
    if dry_run:
        now = datetime.now(UTC)
        previews = tuple(make_preview(path, each, derive_name(path), now) for path, each in mappings)
        return LoadResult(len(files), previews=previews)
    stop, progress = stop or threading.Event(), progress or (lambda _name, _step, _rows, _part: None)
    sent: list[SentFile] = []
    for dataset in _add_files(settings, mappings, progress, stop):
        if stop.is_set():
            break
        report_sent = partial(_report_sent, progress, dataset.name)
        sent.append(SentFile(dataset, produce(settings, dataset.name, pace=pace, progress=report_sent, stop=stop)))
    return LoadResult(len(files), sent=tuple(sent))


def describe_next_steps(settings: Settings, result: LoadResult) -> str:
    """The next commands for all files of the load; "" if none was sent."""
    days: dict[date, DayRows] = {}
    for sent in result.sent:
        for day, rows in store.read_days(settings, sent.dataset.name).items():
            days[day] = days[day] + rows if day in days else rows
    return next_steps(days, datetime.now(UTC).date())


def _read_mappings(files: Sequence[Path], mapping: str | None) -> list[tuple[Path, Mapping]]:
    """Each file with its mapping. All are checked before the first is added; two files of one name would be one data set."""
    mappings = [(path, mapping_for(mapping)) for path in files]
    for name, count in Counter(derive_name(path) for path in files).items():
        if count > 1:
            raise FileRefused(f"{count} of the files would become the data set {name!r}; rename all but one.")
    for path, each in mappings:
        detect_format(path, each)
    return mappings


def _add_files(
    settings: Settings, files: Sequence[tuple[Path, Mapping]], progress: Progress, stop: threading.Event
) -> list[store.Dataset]:
    """The data sets of all files; none if a stop was requested before the last file was complete."""
    datasets = []
    for path, mapping in files:
        try:
            dataset = store.add(settings, path, mapping, partial(_report_read, progress, stop, derive_name(path)))
        except LoadStopped:
            return []
        progress(dataset.name, "read", dataset.account.read, 1.0)
        datasets.append(dataset)
    return datasets


def _report_read(progress: Progress, stop: threading.Event, name: str, rows: int, part: float | None) -> None:
    if stop.is_set():
        raise LoadStopped
    progress(name, "read", rows, part)


def _report_sent(progress: Progress, name: str, position: int, rows: int) -> None:
    progress(name, "send", position, position / rows)


def main(argv: list[str] | None = None) -> int:
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        if check_arguments_only():
            _read_mappings(arguments.files, arguments.mapping)
            return 0
        with stop_on_signal() as stop, show_progress() as progress:
            result = load(
                current(),
                arguments.files,
                mapping=arguments.mapping,
                dry_run=arguments.dry_run,
                pace=parse_pace(arguments),
                progress=progress,
                stop=stop,
            )
    except LOAD_ERRORS as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(result)
    if result.finished and (steps := describe_next_steps(current(), result)):
        print(steps)
    return 0 if result.finished else 1


def _make_parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m source_server.load")
    parser = argparse.ArgumentParser(prog=name, description="Loads event files into Kafka. See docs/mappings.md.")
    kinds = "CSV, TSV, NDJSON (also .gz, .zst, .zip) or parquet"
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=kinds)
    parser.add_argument("--mapping", metavar="FILE", help="a TOML file that maps the columns, or the name of a built-in mapping")
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent and refused; change nothing")
    add_pace(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
