"""Sends a data set from the HTTP source to Kafka: `python -m source_server.produce.producer DATASET`.

After a stop or a kill at any moment, the same command continues exactly where it was: a page and the position after it are one
transaction (page_writer.py). Every failure of a page is handled the same way: open a new writer and continue at its position.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

from cdp.cli import parse_count
from cdp.settings import SettingError, Settings, current
from source_server.produce.kafka import KafkaUnavailable, LoadStopped, Patience
from source_server.produce.pace import AtRate, AtSpeed, FlatOut
from source_server.produce.page_writer import PageLost, PageWriter, WrittenPage, open_writer
from source_server.produce.positions import DatasetPosition
from source_server.produce.source_client import SourceClient, SourceDataset, SourcePage, SourceRefused
from source_server.produce.stopping import stop_on_signal
from source_server.produce.topics import update_topics

PAGE_ROWS = 20_000
PATIENCE_SECONDS = 300.0
MOST_LOSSES = 5  # of one page, before the producer gives up

Progress = Callable[[int, int], None]


class OtherProducer(RuntimeError):
    """Another producer sends the same data set."""


#: Errors that end a run; each is shown as one line.
PRODUCER_ERRORS = (SettingError, SourceRefused, KafkaUnavailable, OtherProducer)


@dataclass(frozen=True, slots=True)
class ProducerReport:
    """What one run did. `position` counts from the start of the data set, everything else from the start of the run."""

    dataset: str
    rows: int
    position: int = 0
    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    pages: int = 0
    seconds: float = 0.0

    @property
    def finished(self) -> bool:
        return self.position >= self.rows

    def __str__(self) -> str:
        refused = f", {self.refused:,} too large for Kafka" if self.refused else ""
        if not self.finished:
            state = f"stopped at row {self.position:,} of {self.rows:,}; run the same command again to continue"
        else:
            state = "all others in Kafka" if refused else "all in Kafka"
        return f"{self.dataset}: {self.acknowledged:,} events sent in {self.seconds:.1f} s{refused}; {state}"


def produce(
    settings: Settings,
    dataset: str,
    *,
    pace: FlatOut | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> ProducerReport:
    """Send the rest of a data set at the given pace, until its end or until `stop` is set."""
    patience = Patience(settings, patience_seconds, stop or threading.Event())
    update_topics(settings)
    with SourceClient(settings, patience.pause) as source:
        description = source.get_dataset(dataset)
        return _DatasetProducer(settings, source, description, patience, pace or FlatOut(PAGE_ROWS), progress).run()


class _DatasetProducer:
    """One run over one data set. The next page is fetched while the current one is sent."""

    def __init__(
        self,
        settings: Settings,
        source: SourceClient,
        dataset: SourceDataset,
        patience: Patience,
        pace: FlatOut,
        progress: Progress | None,
    ) -> None:
        self._settings = settings
        self._source = source
        self._dataset = dataset
        self._patience = patience
        self._pace = pace
        self._progress = progress or (lambda _position, _rows: None)
        self._report = ProducerReport(dataset.name, dataset.rows)
        self._losses = 0

    def run(self) -> ProducerReport:
        started = time.monotonic()
        with suppress(LoadStopped), ThreadPoolExecutor(1) as fetcher:
            self._send_pages(self._open_writer(), fetcher)
        return replace(self._report, seconds=time.monotonic() - started)

    def _send_pages(self, writer: PageWriter, fetcher: Executor) -> None:
        position = writer.position or DatasetPosition(self._dataset.name)
        self._report_position(position)
        next_page = fetcher.submit(self._fetch, position)
        while not self._report.finished:
            self._patience.check()
            page = next_page.result()
            self._patience.renew()
            following = DatasetPosition(self._dataset.name, page.next_cursor, position.rows + len(page.lines), position.refused)
            if not page.ended:
                next_page = fetcher.submit(self._fetch, following)
            try:
                position = self._count(writer.write(page.lines, following))
            except PageLost as loss:
                writer, position = self._recover(loss, position, following)
                next_page = fetcher.submit(self._fetch, position)
            self._report_position(position)
            self._wait(self._pace.pause_after(page))

    def _fetch(self, position: DatasetPosition) -> SourcePage:
        return self._source.get_page(self._dataset.name, position.cursor, self._pace.limit)

    def _recover(self, loss: PageLost, before: DatasetPosition, following: DatasetPosition) -> tuple[PageWriter, DatasetPosition]:
        """Open a new writer. It must find the page committed or not; any other position was written by another producer."""
        self._losses += 1
        if self._losses >= MOST_LOSSES:
            raise KafkaUnavailable(f"Kafka did not accept the page after row {before.rows:,} in {MOST_LOSSES} tries: {loss}")
        self._patience.pause(1.0)
        writer = self._open_writer()
        position = writer.position or DatasetPosition(self._dataset.name)
        if position.cursor == following.cursor and position.rows == following.rows:  # the page was committed
            refused = position.refused - before.refused
            return writer, self._count(WrittenPage(position, position.rows - before.rows - refused, refused))
        if position != before:
            raise OtherProducer(f"another producer is sending {self._dataset.name!r}; this one ends.")
        return writer, before

    def _open_writer(self) -> PageWriter:
        return open_writer(self._settings, self._dataset.content_id, self._patience)

    def _count(self, page: WrittenPage) -> DatasetPosition:
        report, self._losses = self._report, 0
        self._report = replace(
            report,
            sent=report.sent + page.acknowledged + page.refused,
            acknowledged=report.acknowledged + page.acknowledged,
            refused=report.refused + page.refused,
            pages=report.pages + 1,
        )
        return page.position

    def _report_position(self, position: DatasetPosition) -> None:
        self._report = replace(self._report, position=position.rows)
        self._progress(position.rows, self._dataset.rows)

    def _wait(self, seconds: float) -> None:
        if seconds:
            self._patience.pause(seconds)
            self._patience.renew()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m source_server.produce.producer", description="Sends a data set to Kafka.")
    parser.add_argument("dataset", help="a data set of the source")
    add_pace(parser)
    arguments = parser.parse_args(argv)
    try:
        with stop_on_signal() as stop:
            report = produce(current(), arguments.dataset, pace=parse_pace(arguments), stop=stop)
    except PRODUCER_ERRORS as error:
        parser.exit(1, f"producer: {error}\n")
    print(report)
    return 0 if report.finished and not report.refused else 1


def add_pace(parser: argparse.ArgumentParser) -> None:
    """Add the two options that slow a load down, for a live demo."""
    paces = parser.add_mutually_exclusive_group()
    paces.add_argument("--rate", type=parse_count, metavar="N", help="send at most N events a second")
    paces.add_argument("--speed", type=_parse_factor, metavar="Nx", help="send events as they happened, N times as fast: 1x, 60x")


def parse_pace(arguments: argparse.Namespace) -> FlatOut:
    if arguments.rate:
        return AtRate(PAGE_ROWS, arguments.rate)
    return AtSpeed(PAGE_ROWS, arguments.speed) if arguments.speed else FlatOut(PAGE_ROWS)


def _parse_factor(text: str) -> float:
    number = text.removesuffix("x")
    try:
        factor = float(number)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a factor like 1x, 60x or 0.5x")
    return factor


if __name__ == "__main__":
    sys.exit(main())
