"""Compares a file with the last snapshot of its table and sends the differences. The position in Kafka says which snapshot is
the last one, so after a kill at any moment the next run finishes what was begun."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from cdp.events.envelope import describe_change
from cdp.settings import Settings
from source_server.diff.compare import ChangeCounts, RowChange, Transition, count_changes, iterate_changes
from source_server.diff.options import ExportOptions
from source_server.diff.refusal import DiffRefused
from source_server.diff.send import ChangeSender, DiffPosition, read_diff_position
from source_server.diff.snapshots import Snapshots
from source_server.produce.kafka import Patience
from source_server.produce.producer import PATIENCE_SECONDS
from source_server.produce.topics import update_topics

#: A file that deletes more than one row in so many is refused: it is probably cut off.
MOST_DELETED = 3
EXAMPLES = 10
NO_CHANGES = ChangeCounts()


@dataclass(frozen=True, slots=True)
class DiffMode:
    """What a run may do, and how long it waits for Kafka."""

    dry_run: bool = False
    allow_deletes: bool = False
    resend: bool = False
    patience_seconds: float = PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class DiffReport:
    """What became of one file."""

    table: str
    file: str
    rows: int
    rows_before: int = 0  # of the last snapshot
    changes: ChangeCounts = NO_CHANGES
    dry_run: bool = False
    resent: int = 0  # rows that were sent once more on request
    unknown_columns: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()  # of a dry run

    @property
    def deletes_too_many(self) -> bool:
        return self.changes.deleted * MOST_DELETED > self.rows_before

    def describe_deletes(self) -> str:
        deleted = f"{self.changes.deleted:,} of {self.rows_before:,} rows"
        return f"{self.file} would delete {deleted} of {self.table}, more than a third"

    def as_json(self) -> dict[str, Any]:
        """Without the examples, which are rows."""
        counts = {"inserted": self.changes.inserted, "updated": self.changes.updated, "deleted": self.changes.deleted}
        facts = {"table": self.table, "file": self.file, "rows": self.rows, "dry_run": self.dry_run, "resent": self.resent}
        return facts | counts | {"unknown_columns": list(self.unknown_columns)}

    def __str__(self) -> str:
        changes = self.changes
        counts = f"{changes.inserted:,} inserted, {changes.updated:,} updated, {changes.deleted:,} deleted"
        done = "no differences" if not changes.total else f"would send {counts}" if self.dry_run else f"sent {counts}"
        resent = f"; sent all {self.resent:,} rows once more" if self.resent else ""
        lines = [f"{self.table}: {self.rows:,} rows in {self.file}; {done}{resent}"]
        if self.unknown_columns:
            lines.append(f"columns that the platform does not know, sent as text: {', '.join(self.unknown_columns)}")
        if self.dry_run and self.deletes_too_many:
            lines.append(f"{self.describe_deletes()}; without --allow-deletes it is refused")
        return "\n".join([*lines, *self.examples])


def compare_file(
    settings: Settings, path: Path, options: ExportOptions, mode: DiffMode | None = None, stop: threading.Event | None = None
) -> DiffReport:
    """Send the differences of a file; a dry run only counts them."""
    mode = mode or DiffMode()
    snapshots = Snapshots(settings, options.table, options.key)
    with snapshots.lock():
        target, export = snapshots.add(path, options)
        patience = Patience(settings, mode.patience_seconds, stop or threading.Event())
        update_topics(settings)
        if mode.dry_run:
            position, sender = read_diff_position(settings, options.table, patience), None
        else:
            sender = ChangeSender(settings, snapshots, options.table, path.name, patience)
            position = sender.position
        report = DiffReport(options.table, path.name, snapshots.count_rows(target), unknown_columns=export.unknown_columns)
        return _Comparison(snapshots, mode, position, sender).run(report, target)


class _Comparison:
    """One run, after its file was read. Without a sender it is a dry run."""

    def __init__(self, snapshots: Snapshots, mode: DiffMode, position: DiffPosition, sender: ChangeSender | None) -> None:
        self._snapshots = snapshots
        self._mode = mode
        self._position = position
        self._sender = sender

    def run(self, report: DiffReport, target: str) -> DiffReport:
        try:
            report = self._compare(report, target)
        except DiffRefused:
            self._keep_position()
            raise
        if self._sender is None:
            self._keep_position()
        else:
            self._snapshots.keep({target})
        return report

    def _keep_position(self) -> None:
        self._snapshots.keep({self._position.snapshot, self._position.target})

    def _compare(self, report: DiffReport, target: str) -> DiffReport:
        base = self._find_base(report.table)
        transition = Transition(base, target)
        changes = count_changes(self._snapshots, transition) if base != target else NO_CHANGES
        report = replace(report, changes=changes, rows_before=self._snapshots.count_rows(base))
        if self._sender is None:
            examples = islice(iterate_changes(self._snapshots, transition), EXAMPLES) if changes.total else ()
            return replace(report, dry_run=True, examples=tuple(map(_describe_example, examples)))
        if report.deletes_too_many and not self._mode.allow_deletes:
            raise DiffRefused(f"{report.describe_deletes()}. If the file is complete, add --allow-deletes; nothing was sent.")
        if base != target:
            self._sender.send(transition)
        if not (self._mode.resend and base):
            return report
        self._sender.send(Transition("", target))
        return replace(report, resent=report.rows)

    def _find_base(self, table: str) -> str:
        """The snapshot to compare with, after a run that died was finished. Empty: send all rows."""
        position = self._position
        for snapshot in (position.snapshot, position.target):
            if snapshot and not self._snapshots.exists(snapshot):
                if self._mode.resend:
                    return ""
                raise DiffRefused(
                    f"the last snapshot of {table} is lost: {self._snapshots.path_of(snapshot)}. Put it back, or send all rows "
                    "again with --resend, which can't report the rows that were deleted since."
                )
        if position.unfinished and self._sender:
            self._sender.send(position.unfinished)
        return position.target or position.snapshot


def _describe_example(change: RowChange) -> str:
    rows = {name: json.loads(row) if row else None for name, row in (("before", change.before), ("after", change.after))}
    return f"  {change.key} {describe_change({'op': change.op, **rows})}"
