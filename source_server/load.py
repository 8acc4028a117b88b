"""Event files into the source and on into Kafka: what ./run load does. Twice is once, and an interrupted load goes on.

python -m source_server.load FILE... [--dry-run]
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cdp.settings import Settings, current
from source_server import store
from source_server.kafka import Stopped
from source_server.preview import Preview, preview
from source_server.producer import TROUBLES, Report, at_least_one, produce
from source_server.progress import Progress, shown_progress
from source_server.readers import FileRefused, name_of
from source_server.stopping import stop_on_signal

#: What can refuse or end a load, each with a sentence for people.
LOAD_TROUBLES = (FileRefused, *TROUBLES)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The outcome of a load: a report for each file that was sent, or a preview of each where nothing was to be sent."""

    asked: int
    reports: tuple[Report, ...] = ()
    previews: tuple[Preview, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether every row of every file is in Kafka; of a dry run, whether every file could be read."""
        whole = sum(report.finished and not report.refused for report in self.reports)
        return whole + len(self.previews) == self.asked

    def __str__(self) -> str:
        missed = self.asked - len(self.reports) - len(self.previews)
        tail = [f"{missed} more not begun; run the same again to go on"] if missed else []
        return "\n".join([*map(str, self.previews), *map(str, self.reports), *tail])


def load(
    settings: Settings,
    files: Sequence[Path],
    *,
    dry_run: bool = False,
    rate: int | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Loaded:
    """Take in every file, then carry each into Kafka. A dry run reads and shows, and changes nothing."""
    _check_names(files)
    if dry_run:
        return Loaded(len(files), previews=tuple(preview(path) for path in files))
    stop = stop or threading.Event()
    report = progress or (lambda _name, _step, _done, _all: None)
    reports: list[Report] = []
    for dataset in _taken_in(settings, files, report, stop):
        if stop.is_set():
            break
        reports.append(produce(settings, dataset.name, rate=rate, progress=partial(report, dataset.name, "send"), stop=stop))
    return Loaded(len(files), reports=tuple(reports))


def _check_names(files: Sequence[Path]) -> None:
    """Two files of one name would be one data set, the second in the place of the first."""
    for name, count in Counter(name_of(path) for path in files).items():
        if count > 1:
            raise FileRefused(f"{count} of the files would become the data set {name!r}; rename all but one.")


def _taken_in(settings: Settings, files: Sequence[Path], report: Progress, stop: threading.Event) -> list[store.Dataset]:
    """The data sets of the files; none where a stop came before the last was whole."""
    taken = []
    for path in files:
        try:
            dataset = store.add(settings, path, partial(_reading, report, stop, name_of(path)))
        except Stopped:
            return []
        report(dataset.name, "read", dataset.rows, dataset.rows)
        taken.append(dataset)
    return taken


def _reading(report: Progress, stop: threading.Event, name: str, rows: int) -> None:
    if stop.is_set():
        raise Stopped
    report(name, "read", rows, None)


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    asked = parser.parse_args(argv)
    try:
        with stop_on_signal() as stop, shown_progress() as progress:
            done = load(current(), asked.files, dry_run=asked.dry_run, rate=asked.rate, progress=progress, stop=stop)
    except LOAD_TROUBLES as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(done)
    return 0 if done.finished else 1


def _parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m source_server.load")
    parser = argparse.ArgumentParser(prog=name, description="Takes event files in and carries them into Kafka.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="CSV, NDJSON (both also .gz, .zst) or parquet")
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent, and change nothing")
    parser.add_argument("--rate", type=at_least_one, metavar="N", help="send at most N events a second")
    return parser


if __name__ == "__main__":
    sys.exit(main())
