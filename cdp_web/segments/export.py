"""Exports the members of a run as CSV, row by row, with every metric as of the run's publication."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from cdp.metrics import METRICS
from cdp_web.segments.members import members_at
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.selectors import customer_rows_get, run_snapshot_open
from cdp_web.serving.snapshot_query import Snapshot

CHUNK = 5_000
_KEYS = tuple(metric.key for metric in METRICS)
#: A spreadsheet runs a text that begins with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ExportBroken(RuntimeError):
    """The members were removed while they were read; half a file must not look like a complete one."""


class _LineReturner:
    """A file that returns what is written to it, so csv's writerow returns each line and no file is built up."""

    def write(self, text: str) -> str:
        return text


def generate_csv_lines(run: SegmentRun) -> Iterator[str]:
    """Every line of the file, headings first. Opens the snapshot at once, so an error appears before the file starts."""
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
        raise ExportBroken(f"Run {run.pk} has {run.count} members, but only {count} could be read; export the newer run.")


def _read_chunks(run: SegmentRun, snapshot: Snapshot) -> Iterator[list[dict[str, Any]]]:
    after = ""
    while True:
        members = members_at(run).filter(customer_id__gt=after).values_list("customer_id", flat=True)
        ids = list(members[:CHUNK])
        if not ids:
            return
        yield customer_rows_get(snapshot, ids, _KEYS)
        after = ids[-1]


def _escape_cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
