"""What became of every row of every file, from the file into Kafka: the first half of ./run ledger.

Each number stands where it cannot disagree with what it counts: what was read lies in the data set's own file, what was sent
in the record that Kafka took together with the events.
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
from source_server.kafka import Patience
from source_server.positions import Position, read_positions
from source_server.producer import TROUBLES
from source_server.source_client import SourceClient

PATIENCE_SECONDS = 20.0
WIDTH = 110


@dataclass(frozen=True, slots=True)
class Line:
    """One data set. read = skipped + served; served = sent + left; sent = acknowledged + too large."""

    name: str
    read: int
    skipped: int
    served: int
    acknowledged: int
    too_large: int
    left: int
    refused: dict[str, int]  # of those served, by the reason the stream will refuse them for

    @property
    def balanced(self) -> bool:
        return self.read == self.skipped + self.served and self.served == self.acknowledged + self.too_large + self.left


def lines(settings: Settings) -> list[Line]:
    patience = Patience(settings, PATIENCE_SECONDS, threading.Event())
    with SourceClient(settings, patience.pause) as source:
        told = source.datasets()
    positions = read_positions(settings, patience)
    return [_line(each, positions.get(each["content_id"]) or Position(each["name"])) for each in told]


def _line(told: dict[str, Any], position: Position) -> Line:
    file = told["file"]
    return Line(
        name=told["name"],
        read=file["read"],
        skipped=sum(file["skipped"].values()),
        served=told["rows"],
        acknowledged=position.rows - position.refused,
        too_large=position.refused,
        left=told["rows"] - position.rows,
        refused={reason: found["count"] for reason, found in file["refused"].items()},
    )


def as_table(found: Sequence[Line]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("data set", overflow="fold")
    for heading in ("rows read", "skipped", "served", "in Kafka", "too large", "left", "for quarantine", ""):
        table.add_column(heading, justify="right")
    for line in found:
        refused = sum(line.refused.values())
        counts = (line.read, line.skipped, line.served, line.acknowledged, line.too_large, line.left, refused)
        table.add_row(line.name, *(f"{count:,}" for count in counts), "" if line.balanced else "DOES NOT ADD UP")
    return table


def reasons(found: Sequence[Line]) -> str:
    """What the contract refuses of each data set's rows: it is sent, and ends in quarantine."""
    told = ((line.name, ", ".join(f"{reason} {count:,}" for reason, count in line.refused.items())) for line in found)
    return "\n".join(f"for quarantine of {name}: {refused}" for name, refused in told if refused)


def as_json(found: Sequence[Line]) -> dict[str, Any]:
    return {
        "datasets": [asdict(line) for line in found],
        "acknowledged": sum(line.acknowledged for line in found),
        "adds_up": all(line.balanced for line in found),
    }


def show(found: Sequence[Line]) -> None:
    if not found:
        print("nothing was loaded yet: ./run load FILE")
        return
    console = Console()
    console.width = max(console.width, WIDTH)  # a number that is cut off is no number
    console.print(as_table(found))
    if told := reasons(found):
        print(f"\n{told}")


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        found = lines(current())
    except TROUBLES as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    told = as_json(found)
    if given.json:
        given.json.write_text(json.dumps(told))
    if not given.quiet:
        show(found)
    return 0 if told["adds_up"] else 1


def _parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m source_server.ledger")
    parser = argparse.ArgumentParser(prog=name, description="What became of the rows of every file; status 1 when a sum is off.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it into this file as well")
    parser.add_argument("--quiet", action="store_true", help="show nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
