"""Event files into the source and on into Kafka: what ./run load does. Twice is once, and an interrupted load goes on.

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

from cdp.programs import only_words
from cdp.settings import Settings, current
from source_server import store
from source_server.afterwards import DayRows, next_steps
from source_server.intake import FileRefused, Mapping, Preview, format_of, mapping_for, name_of, preview
from source_server.kafka import Stopped
from source_server.pace import FlatOut
from source_server.producer import TROUBLES, Report, add_pace, pace_asked, produce
from source_server.progress import Progress, shown_progress
from source_server.stopping import stop_on_signal

#: What can refuse or end a load, each with a sentence for people.
LOAD_TROUBLES = (FileRefused, store.DatasetBroken, OSError, duckdb.Error, *TROUBLES)


@dataclass(frozen=True, slots=True)
class Sent:
    """One file that was taken in, and how far it got."""

    dataset: store.Dataset
    report: Report

    @property
    def finished(self) -> bool:
        return self.report.finished and not self.report.refused

    def __str__(self) -> str:
        return f"{self.dataset.account}\n{self.report}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The outcome of a load: what became of each file that was sent, or a preview of each where nothing was to be sent."""

    asked: int
    sent: tuple[Sent, ...] = ()
    previews: tuple[Preview, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether every row of every file is in Kafka; of a dry run, whether every file could be read."""
        return sum(each.finished for each in self.sent) + len(self.previews) == self.asked

    def __str__(self) -> str:
        missed = self.asked - len(self.sent) - len(self.previews)
        tail = [f"{missed} more not begun; run the same again to go on"] if missed else []
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
) -> Loaded:
    """Take in every file, then carry each into Kafka. A dry run reads and shows, and changes nothing."""
    mappings = _mappings(files, mapping)
    if dry_run:
        now = datetime.now(UTC)
        return Loaded(len(files), previews=tuple(preview(path, its, name_of(path), now) for path, its in mappings))
    stop, report = stop or threading.Event(), progress or (lambda _name, _step, _rows, _part: None)
    sent: list[Sent] = []
    for dataset in _taken_in(settings, mappings, report, stop):
        if stop.is_set():
            break
        told = produce(settings, dataset.name, pace=pace, progress=partial(_sending, report, dataset.name), stop=stop)
        sent.append(Sent(dataset, told))
    return Loaded(len(files), sent=tuple(sent))


def what_next(settings: Settings, done: Loaded) -> str:
    """Over all files of the load; nothing where none was sent."""
    days: dict[date, DayRows] = {}
    for sent in done.sent:
        for day, rows in store.days(settings, sent.dataset.name).items():
            days[day] = days[day] + rows if day in days else rows
    return next_steps(days, datetime.now(UTC).date())


def _mappings(files: Sequence[Path], asked: str | None) -> list[tuple[Path, Mapping]]:
    """Each file with its mapping, all looked at before the first is taken in. Two files of one name would be one data set."""
    found = [(path, mapping_for(path, asked)) for path in files]
    for name, count in Counter(name_of(path) for path in files).items():
        if count > 1:
            raise FileRefused(f"{count} of the files would become the data set {name!r}; rename all but one.")
    for path, its in found:
        format_of(path, its)
    return found


def _taken_in(
    settings: Settings, files: Sequence[tuple[Path, Mapping]], report: Progress, stop: threading.Event
) -> list[store.Dataset]:
    """The data sets of the files; none where a stop came before the last was whole."""
    taken = []
    for path, mapping in files:
        try:
            dataset = store.add(settings, path, mapping, partial(_reading, report, stop, name_of(path)))
        except Stopped:
            return []
        report(dataset.name, "read", dataset.account.read, 1.0)
        taken.append(dataset)
    return taken


def _reading(report: Progress, stop: threading.Event, name: str, rows: int, part: float | None) -> None:
    if stop.is_set():
        raise Stopped
    report(name, "read", rows, part)


def _sending(report: Progress, name: str, done: int, rows: int) -> None:
    report(name, "send", done, done / rows)


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(argv)
    try:
        if only_words():
            _mappings(asked.files, asked.mapping)
            return 0
        with stop_on_signal() as stop, shown_progress() as progress:
            done = load(
                current(),
                asked.files,
                mapping=asked.mapping,
                dry_run=asked.dry_run,
                pace=pace_asked(asked),
                progress=progress,
                stop=stop,
            )
    except LOAD_TROUBLES as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(done)
    if done.finished and (steps := what_next(current(), done)):
        print(steps)
    return 0 if done.finished else 1


def _parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m source_server.load")
    parser = argparse.ArgumentParser(prog=name, description="Takes event files in and carries them into Kafka. docs/mappings.md")
    kinds = "CSV, TSV, NDJSON (also .gz, .zst, .zip) or parquet"
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=kinds)
    parser.add_argument("--mapping", metavar="FILE", help="what the file's columns mean: a TOML file, or the name of a ready one")
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent and refused, and change nothing")
    add_pace(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
