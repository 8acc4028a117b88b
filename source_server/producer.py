"""Carries a data set from the HTTP source into Kafka: python -m source_server.producer DATASET.

Stopped or killed at any moment, the same command goes on exactly where it was: a page and the position after it are one
transaction (page_writer.py). Whatever goes wrong with a page, the remedy is the same: a new writer, and the position it reads.
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

from confluent_kafka import KafkaException

from cdp.settings import SettingError, Settings, current
from source_server.kafka import KafkaAway, Patience, Stopped
from source_server.pace import AtRate, AtSpeed, FlatOut
from source_server.page_writer import PageLost, PageWriter, Written
from source_server.positions import Position
from source_server.source_client import SourceClient, SourceDataset, SourcePage, SourceRefused
from source_server.stopping import stop_on_signal
from source_server.topics import ensure_topics

PAGE_ROWS = 20_000
PATIENCE_SECONDS = 300.0
MOST_LOSSES = 5  # of one page, before its reason is taken for lasting

Progress = Callable[[int, int], None]


class OtherProducer(RuntimeError):
    """Someone else carries the same data set."""


#: What can end a run before its time, each with a sentence for people.
TROUBLES = (SettingError, SourceRefused, KafkaAway, OtherProducer)


@dataclass(frozen=True, slots=True)
class Report:
    """What one run did. `position` counts from the beginning of the data set, the rest from the beginning of the run."""

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
            state = f"stopped at row {self.position:,} of {self.rows:,}; run the same again to go on"
        else:
            state = "all else in Kafka" if refused else "all in Kafka"
        return f"{self.dataset}: {self.acknowledged:,} events sent in {self.seconds:.1f} s{refused}; {state}"


def produce(
    settings: Settings,
    dataset: str,
    *,
    pace: FlatOut | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Report:
    """Carry what is left of a data set, as fast as `pace` says, until its end or until `stop` is set."""
    patience = Patience(settings, patience_seconds, stop or threading.Event())
    ensure_topics(settings)
    with SourceClient(settings, patience.pause) as source:
        found = source.dataset(dataset)
        carrier = _Carrier(settings, source, found, patience, pace or FlatOut(PAGE_ROWS), progress)
        return carrier.run()


class _Carrier:
    """One run over one data set. The next page is fetched while one is sent."""

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
        self._progress = progress or (lambda _done, _all: None)
        self._report = Report(dataset.name, dataset.rows)
        self._losses = 0

    def run(self) -> Report:
        begun = time.monotonic()
        with suppress(Stopped), ThreadPoolExecutor(1) as fetching:
            self._carry(self._open_writer(), fetching)
        return replace(self._report, seconds=time.monotonic() - begun)

    def _carry(self, writer: PageWriter, fetching: Executor) -> None:
        position = writer.position or Position(self._dataset.name)
        self._moved_to(position)
        ahead = fetching.submit(self._fetch, position)
        while not self._report.finished:
            self._patience.check()
            page = ahead.result()
            self._patience.renew()
            following = Position(self._dataset.name, page.next_cursor, position.rows + len(page.lines), position.refused)
            if not page.ended:
                ahead = fetching.submit(self._fetch, following)
            try:
                position = self._count(writer.write(page.lines, following))
            except PageLost as loss:
                writer, position = self._after_loss(loss, position, following)
                ahead = fetching.submit(self._fetch, position)
            self._moved_to(position)
            self._wait(self._pace.pause_after(page))

    def _fetch(self, position: Position) -> SourcePage:
        return self._source.page(self._dataset.name, position.cursor, self._pace.limit)

    def _after_loss(self, loss: PageLost, before: Position, following: Position) -> tuple[PageWriter, Position]:
        """A new writer. It must find the page there or not there; anything else was written by someone else."""
        self._losses += 1
        if self._losses >= MOST_LOSSES:
            raise KafkaAway(f"Kafka did not take the page after row {before.rows:,} in {MOST_LOSSES} tries: {loss}")
        self._patience.pause(1.0)
        writer = self._open_writer()
        found = writer.position or Position(self._dataset.name)
        if found.cursor == following.cursor and found.rows == following.rows:  # it was there after all
            refused = found.refused - before.refused
            return writer, self._count(Written(found, found.rows - before.rows - refused, refused))
        if found != before:
            raise OtherProducer(f"another producer carries {self._dataset.name!r} at the same time; this one ends.")
        return writer, before

    def _open_writer(self) -> PageWriter:
        try:
            return PageWriter(self._settings, self._dataset.content_id, self._patience)
        except KafkaException as error:
            raise KafkaAway(f"Kafka at {self._settings.kafka_bootstrap} refuses: {error.args[0].str()}") from error

    def _count(self, written: Written) -> Position:
        now, self._losses = self._report, 0
        self._report = replace(
            now,
            sent=now.sent + written.acknowledged + written.refused,
            acknowledged=now.acknowledged + written.acknowledged,
            refused=now.refused + written.refused,
            pages=now.pages + 1,
        )
        return written.position

    def _moved_to(self, position: Position) -> None:
        self._report = replace(self._report, position=position.rows)
        self._progress(position.rows, self._dataset.rows)

    def _wait(self, seconds: float) -> None:
        if seconds:
            self._patience.pause(seconds)
            self._patience.renew()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m source_server.producer", description="Carries a data set into Kafka.")
    parser.add_argument("dataset", help="a data set of the source")
    add_pace(parser)
    asked = parser.parse_args(argv)
    try:
        with stop_on_signal() as stop:
            report = produce(current(), asked.dataset, pace=pace_asked(asked), stop=stop)
    except TROUBLES as error:
        parser.exit(1, f"producer: {error}\n")
    print(report)
    return 0 if report.finished and not report.refused else 1


def add_pace(parser: argparse.ArgumentParser) -> None:
    """The two ways to slow down, for a live demo."""
    paces = parser.add_mutually_exclusive_group()
    paces.add_argument("--rate", type=_at_least_one, metavar="N", help="send at most N events a second")
    paces.add_argument("--speed", type=_factor, metavar="Nx", help="as it happened, N times as fast: 1x, 60x")


def pace_asked(asked: argparse.Namespace) -> FlatOut:
    if asked.rate:
        return AtRate(PAGE_ROWS, asked.rate)
    return AtSpeed(PAGE_ROWS, asked.speed) if asked.speed else FlatOut(PAGE_ROWS)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _factor(text: str) -> float:
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
