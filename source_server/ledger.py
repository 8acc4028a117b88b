"""What became of every row of every file on its way into Kafka: the first half of ./run ledger.

Each number is stored with what it counts, so the two cannot disagree: rows read are in the data set's own file, rows sent are in
the record that was committed together with the events.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cdp.settings import Settings, current
from source_server.produce.kafka import Patience
from source_server.produce.positions import DatasetPosition, read_positions
from source_server.produce.producer import PRODUCER_ERRORS
from source_server.produce.source_client import SourceClient

PATIENCE_SECONDS = 20.0
WIDTH = 110


@dataclass(frozen=True, slots=True)
class DatasetLine:
    """The counts of one data set. read = skipped + served; served = sent + left; sent = acknowledged + too large."""

    name: str
    read: int
    skipped: int
    served: int
    acknowledged: int
    too_large: int
    left: int
    refused: dict[str, int]  # served rows that the stream will refuse, by reason

    @property
    def balanced(self) -> bool:
        return self.read == self.skipped + self.served and self.served == self.acknowledged + self.too_large + self.left


def read_lines(settings: Settings) -> list[DatasetLine]:
    patience = Patience(settings, PATIENCE_SECONDS, threading.Event())
    with SourceClient(settings, patience.pause) as source:
        datasets = source.list_datasets()
    positions = read_positions(settings, patience)
    return [_make_line(each, positions.get(each["content_id"]) or DatasetPosition(each["name"])) for each in datasets]


def _make_line(dataset: dict[str, Any], position: DatasetPosition) -> DatasetLine:
    file = dataset["file"]
    return DatasetLine(
        name=dataset["name"],
        read=file["read"],
        skipped=sum(file["skipped"].values()),
        served=dataset["rows"],
        acknowledged=position.rows - position.refused,
        too_large=position.refused,
        left=dataset["rows"] - position.rows,
        refused={reason: refusals["count"] for reason, refusals in file["refused"].items()},
    )


def as_table(lines: Sequence[DatasetLine]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("data set", overflow="fold")
    for heading in ("rows read", "skipped", "served", "in Kafka", "too large", "left", "for quarantine", ""):
        table.add_column(heading, justify="right")
    for line in lines:
        refused = sum(line.refused.values())
        counts = (line.read, line.skipped, line.served, line.acknowledged, line.too_large, line.left, refused)
        table.add_row(line.name, *(f"{count:,}" for count in counts), "" if line.balanced else "DOES NOT ADD UP")
    return table


def list_reasons(lines: Sequence[DatasetLine]) -> str:
    """The reasons for which rows of each data set will be refused; such rows are sent and end in quarantine."""
    counts = ((line.name, ", ".join(f"{reason} {count:,}" for reason, count in line.refused.items())) for line in lines)
    return "\n".join(f"for quarantine of {name}: {refused}" for name, refused in counts if refused)


def as_json(lines: Sequence[DatasetLine]) -> dict[str, Any]:
    return {
        "datasets": [asdict(line) for line in lines],
        "acknowledged": sum(line.acknowledged for line in lines),
        "adds_up": all(line.balanced for line in lines),
    }


def show(lines: Sequence[DatasetLine]) -> None:
    if not lines:
        print("nothing was loaded yet: ./run load FILE")
        return
    console = Console()
    console.width = max(console.width, WIDTH)  # truncated numbers would mislead
    console.print(as_table(lines))
    if reasons := list_reasons(lines):
        print(f"\n{reasons}")


def main(argv: list[str] | None = None) -> int:
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        lines = read_lines(current())
    except PRODUCER_ERRORS as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    report = as_json(lines)
    if arguments.json:
        arguments.json.write_text(json.dumps(report))
    if not arguments.quiet:
        show(lines)
    return 0 if report["adds_up"] else 1


def _make_parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m source_server.ledger")
    parser = argparse.ArgumentParser(prog=name, description="Shows what became of the rows of every file.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report to this file")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
