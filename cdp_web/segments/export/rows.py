"""The rows of an export: in chunks, sorted by customer id, from the members' intervals and the snapshot of the run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Value
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp.kinds import DIGITS, MONEY_SCALE, NUMBER_SCALE
from cdp.metrics import Metric
from cdp_web.names.people import people_read
from cdp_web.segments.changes import ENTERED, LEFT, entered_since, left_since
from cdp_web.segments.export.options import PERSONAL_COLUMNS, ExportOptions
from cdp_web.segments.members import members_at
from cdp_web.segments.models import Membership, Segment, SegmentRun
from cdp_web.segments.selectors import run_snapshot_open
from cdp_web.serving.errors import NotReady
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE

CHUNK = 10_000
CUSTOMER_ID, CHANGE = "customer_id", "change"
#: Kind of a metric -> the type of its column in a parquet file.
_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "money": pa.decimal128(DIGITS, MONEY_SCALE),
    "number": pa.decimal128(DIGITS, NUMBER_SCALE),
    "date": pa.date32(),
}


class ExportBroken(NotReady):
    """The members were removed while they were read; half a file must not look like a complete one."""

    code = "export_broken"
    title = gettext_lazy("The export is not complete")
    remedy = gettext_lazy("Recompute the segment, and export the new run.")


class NothingToExport(LookupError):
    """The segment has no such complete run."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file that can be written any number of times with the same bytes, unless names change meanwhile."""

    segment: Segment
    run: SegmentRun
    since: SegmentRun | None
    options: ExportOptions
    rows: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file."""
        people = PERSONAL_COLUMNS if self.options.is_personal else ()
        change = (CHANGE,) if self.since else ()
        return (CUSTOMER_ID, *people, *change, *(metric.key for metric in self.options.columns))

    @property
    def file_name(self) -> str:
        changes = f"-changes-since-run-{self.since.pk}" if self.since else ""
        name = slugify(self.segment.name) or "segment"
        return f"{name}-{self.run.day}-publication-{self.run.publication_id}{changes}.{self.options.format}"


def export_open(segment: Segment, options: ExportOptions) -> Export:
    """Raises NothingToExport without a complete run, and ValidationError for a run that is not a complete one of the segment."""
    run = _get_run(segment, options.run_id, "run") if options.run_id else segment.current_run
    if run is None:
        raise NothingToExport(_("The segment has no complete run to export."))
    if options.since_id is None:
        return Export(segment, run, None, options, run.count or 0)
    since = _get_run(segment, options.since_id, "changes_since")
    if since.pk > run.pk:
        raise ValidationError(
            {
                "changes_since": _("Run %(since)s is newer than run %(run)s; name an earlier run.")
                % {"since": since.pk, "run": run.pk}
            }
        )
    entered, left = entered_since(run, since).count(), left_since(run, since).count()
    if (since.count or 0) + entered - left != run.count:
        raise ExportBroken(
            f"Run {since.pk} has {since.count} members and run {run.pk} has {run.count}, but {entered} entered and {left} left."
        )
    return Export(segment, run, since, options, entered + left)


def build_schema(export: Export) -> pa.Schema:
    texts = [name for name in export.columns if name in (CHANGE, *PERSONAL_COLUMNS)]
    return build_metrics_schema(export.options.columns, texts)


def build_metrics_schema(metrics: Sequence[Metric], texts: Sequence[str] = ()) -> pa.Schema:
    """The id, further texts, and metrics."""
    columns = [(name, pa.string()) for name in (CUSTOMER_ID, *texts)]
    return pa.schema([*columns, *((metric.key, _TYPES[metric.kind]) for metric in metrics)])


def open_chunks(export: Export) -> Iterator[pa.Table]:
    """All rows of the file, as tables. Opens the snapshot at once, so an error appears before the file starts."""
    return _generate_chunks(export, run_snapshot_open(export.run))


def _get_run(segment: Segment, run_id: int, name: str) -> SegmentRun:
    run = segment.runs.select_related("version").filter(pk=run_id, status=SegmentRun.Status.DONE).first()
    if run is None:
        raise ValidationError({name: _("%(name)s has no complete run %(run)s.") % {"name": segment.name, "run": run_id}})
    return run


def _generate_chunks(export: Export, snapshot: Snapshot) -> Iterator[pa.Table]:
    count = 0
    for changes in _read_ids(export):
        table = _build_table(export, snapshot, changes)
        count += table.num_rows
        yield table
    if count != export.rows:
        what = "changes" if export.since else "members"
        raise ExportBroken(f"Run {export.run.pk} has {export.rows} {what}, but only {count} could be read; export the newer run.")


def _read_ids(export: Export) -> Iterator[dict[str, str]]:
    """Customer id -> change, chunk by chunk. Each chunk is a query of its own, so a slow reader keeps no transaction open."""
    after = ""
    while rows := list(_select_ids(export, after)[:CHUNK]):
        yield dict(rows)
        after = rows[-1][0]


def _select_ids(export: Export, after: str) -> QuerySet[Membership, tuple[str, str]]:
    if export.since is None:
        return _with_change(members_at(export.run), "", after).order_by(CUSTOMER_ID)
    entered = _with_change(entered_since(export.run, export.since), ENTERED, after)
    left = _with_change(left_since(export.run, export.since), LEFT, after)
    return entered.union(left, all=True).order_by(CUSTOMER_ID)


def _with_change(members: QuerySet[Membership], change: str, after: str) -> QuerySet[Membership, tuple[str, str]]:
    return members.order_by().filter(customer_id__gt=after).values_list(CUSTOMER_ID, Value(change))


def _build_table(export: Export, snapshot: Snapshot, changes: dict[str, str]) -> pa.Table:
    """The rows of these customers. Those who left may be gone from the snapshot; they have no metrics then."""
    table = _read_metrics(snapshot, list(changes), export.options.columns)
    table = table.add_column(1, CHANGE, pa.array([changes[each] for each in table[CUSTOMER_ID].to_pylist()], pa.string()))
    table = table.filter(pc.or_(pc.is_valid(table[KEY]), pc.equal(table[CHANGE], LEFT)))
    if export.options.is_personal:
        table = add_people(table)
    if export.options.ids == "sha256":
        hashes = [hash_id(each) for each in table[CUSTOMER_ID].to_pylist()]
        table = table.set_column(0, CUSTOMER_ID, pa.array(hashes, pa.string()))
    return table.select(export.columns).cast(build_schema(export))


def add_people(table: pa.Table) -> pa.Table:
    """With the names and e-mail addresses of these customers; missing where the shop has none."""
    ids = table[CUSTOMER_ID].to_pylist()
    people = people_read(ids)
    for column in PERSONAL_COLUMNS:
        values = [getattr(people[each], column) or None if each in people else None for each in ids]
        table = table.append_column(column, pa.array(values, pa.string()))
    return table


def hash_id(customer_id: str) -> str:
    return hashlib.sha256(customer_id.encode()).hexdigest()


def _read_metrics(snapshot: Snapshot, ids: list[str], metrics: tuple[Metric, ...]) -> pa.Table:
    columns = ", ".join((CUSTOMER_ID, KEY, *(metric.key for metric in metrics)))
    ids_table = f"(SELECT unnest($1) AS {CUSTOMER_ID})"
    sql = f"SELECT {columns} FROM {ids_table} LEFT JOIN {TABLE} USING ({CUSTOMER_ID}) ORDER BY {CUSTOMER_ID}"
    with snapshot.open_session(60) as session:
        return session.read_table(sql, [ids])
