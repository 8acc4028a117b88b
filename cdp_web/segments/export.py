"""The members of a run as CSV, with every metric as of the run's publication, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from cdp.metrics import METRICS
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.selectors import customer_rows_get, run_snapshot_open
from cdp_web.snapshot.query import Snapshot

CHUNK = 5_000
_KEYS = tuple(metric.key for metric in METRICS)
#: A text that begins with one of these would be run as a formula by a spreadsheet.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ExportBroken(RuntimeError):
    """The members went away while they were read; half a file must not look like a whole one."""


class _LineReturner:
    """A file that gives back what is written to it, and so does csv's writerow: no file is ever built up."""

    def write(self, text: str) -> str:
        return text


def generate_csv_lines(run: SegmentRun) -> Iterator[str]:
    """Every line of the file, headings first. Whether the customers can be read shows now, not in the middle of the file."""
    return _generate_lines(run, run_snapshot_open(run))


def _generate_lines(run: SegmentRun, snapshot: Snapshot) -> Iterator[str]:
    writer = csv.writer(_LineReturner())
    yield writer.writerow(("customer_id", *_KEYS))
    count = 0
    for rows in _read_chunks(run, snapshot):
        for row in rows:
            yield writer.writerow([_escape_cell(value) for value in row.values()])
        count += len(rows)
    if count != run.count:
        raise ExportBroken(f"Run {run.pk} has {run.count} members, {count} could be read; export the newer run.")


def _read_chunks(run: SegmentRun, snapshot: Snapshot) -> Iterator[list[dict[str, Any]]]:
    after = ""
    while True:
        members = run.members.filter(customer_id__gt=after).order_by("customer_id").values_list("customer_id", flat=True)
        ids = list(members[:CHUNK])
        if not ids:
            return
        yield customer_rows_get(snapshot, ids, _KEYS)
        after = ids[-1]


def _escape_cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
