"""The members of a run as CSV, with every metric as of the run's publication, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from cdp.metrics import METRICS
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.selectors import customer_rows, run_snapshot
from cdp_web.snapshot.query import Snapshot

CHUNK = 5_000
_KEYS = tuple(metric.key for metric in METRICS)
#: A text that begins with one of these would be run as a formula by a spreadsheet.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ExportBroken(RuntimeError):
    """The members went away while they were read; half a file must not look like a whole one."""


class _Line:
    """A file that gives back what is written to it, and so does csv's writerow: no file is ever built up."""

    def write(self, text: str) -> str:
        return text


def csv_lines(run: SegmentRun) -> Iterator[str]:
    """Every line of the file, headings first. Whether the customers can be read shows now, not in the middle of the file."""
    return _lines(run, run_snapshot(run))


def _lines(run: SegmentRun, snapshot: Snapshot) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(("customer_id", *_KEYS))
    written = 0
    for rows in _chunks(run, snapshot):
        for row in rows:
            yield writer.writerow([_cell(value) for value in row.values()])
        written += len(rows)
    if written != run.count:
        raise ExportBroken(f"Run {run.pk} has {run.count} members, {written} could be read; export the newer run.")


def _chunks(run: SegmentRun, snapshot: Snapshot) -> Iterator[list[dict[str, Any]]]:
    after = ""
    while True:
        found = run.members.filter(customer_id__gt=after).order_by("customer_id").values_list("customer_id", flat=True)
        ids = list(found[:CHUNK])
        if not ids:
            return
        yield customer_rows(snapshot, ids, _KEYS)
        after = ids[-1]


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
