"""Members as intervals in Postgres: a run writes only the difference to the members before it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from cdp.mart.segment_jobs import SEGMENT_JOB_MEMBER
from cdp_web.segments.models import Membership, Reason, SegmentRun
from cdp_web.serving.publications import publication_get
from cdp_web.serving.snapshot_query import snapshot_open
from cdp_web.serving.snapshot_store import TABLE, snapshot_path

_MEMBERSHIP = Membership._meta.db_table
_ENTERED = f"""
    SELECT s.customer_id FROM staged_members s WHERE NOT EXISTS (
        SELECT FROM {_MEMBERSHIP} m WHERE m.segment_id = %(segment)s AND m.customer_id = s.customer_id AND m.left_run IS NULL)"""
_LEFT = f"""
    SELECT m.customer_id FROM {_MEMBERSHIP} m WHERE m.segment_id = %(segment)s AND m.left_run IS NULL AND NOT EXISTS (
        SELECT FROM staged_members s WHERE s.customer_id = m.customer_id)"""
#: Metrics that change with every event of a customer, whatever its type. If they are equal, only time has passed.
_ACTIVITY = ("views", "carts", "removals", "total_purchase", "items", "refunds", "total_purchase_value", "last_seen")


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why members change in a run: by whether the customer's own data has changed since the run before."""

    data_changed: str
    data_equal: str


@dataclass(frozen=True, slots=True)
class Difference:
    entered: int
    left: int
    members: int


def members_at(run: SegmentRun) -> QuerySet[Membership]:
    """The members as of a run, sorted by id; later runs don't change them."""
    stayed = Q(left_run=None) | Q(left_run__gt=run.pk)
    return Membership.objects.filter(stayed, segment_id=run.segment_id, entered_run__lte=run.pk).order_by("customer_id")


def members_stage(chunks: Iterable[Sequence[tuple[str]]]) -> int:
    """Load the members of a new run into a temporary table of this transaction; returns how many there are."""
    count = 0
    with connection.cursor() as cursor:
        _create_temporary(cursor, "staged_members", '(customer_id text COLLATE "C" NOT NULL) ON COMMIT DROP')
        with cursor.copy("COPY staged_members FROM STDIN") as copy:
            for rows in chunks:
                for row in rows:
                    copy.write_row(row)
                count += len(rows)
        _index_staged(cursor)
    return count


def members_stage_job(run_id: int) -> int:
    """The same for a run that the cluster has computed."""
    with connection.cursor() as cursor:
        _create_temporary(cursor, "staged_members", '(customer_id text COLLATE "C" NOT NULL) ON COMMIT DROP')
        cursor.execute(
            f"INSERT INTO staged_members SELECT customer_id FROM {SEGMENT_JOB_MEMBER.full_name} WHERE run = %s", [run_id]
        )
        count = int(cursor.rowcount)
        _index_staged(cursor)
    return count


def members_replace(run: SegmentRun, previous: SegmentRun | None) -> Difference:
    """Close the stays of those who left, and open those of the staged members who are new. Runs in the caller's transaction."""
    reasons = find_reasons(run, previous)
    with connection.cursor() as cursor:
        for name, query in (("entered_members", _ENTERED), ("left_members", _LEFT)):
            _create_temporary(cursor, name, f"ON COMMIT DROP AS {query}", {"segment": run.segment_id})
        _stage_equal_customers(cursor, run, previous, reasons)
        values = {
            "segment": run.segment_id, "run": run.pk, "day": run.day,
            "changed": reasons.data_changed, "equal": reasons.data_equal,
        }  # fmt: skip
        reason = "CASE WHEN e.customer_id IS NULL THEN %(changed)s ELSE %(equal)s END"
        cursor.execute(
            f"UPDATE {_MEMBERSHIP} m SET left_run = %(run)s, left_day = %(day)s, left_reason = {reason}"
            " FROM left_members l LEFT JOIN equal_customers e USING (customer_id)"
            " WHERE m.segment_id = %(segment)s AND m.left_run IS NULL AND m.customer_id = l.customer_id",
            values,
        )
        left = cursor.rowcount
        cursor.execute(
            f"INSERT INTO {_MEMBERSHIP} (segment_id, customer_id, entered_run, entered_day, entered_reason, left_reason)"
            f" SELECT %(segment)s, n.customer_id, %(run)s, %(day)s, {reason}, ''"
            " FROM entered_members n LEFT JOIN equal_customers e USING (customer_id) ORDER BY n.customer_id",
            values,
        )
        entered = cursor.rowcount
        cursor.execute(
            f"SELECT count(*) FROM {_MEMBERSHIP} WHERE segment_id = %(segment)s AND left_run IS NULL", {"segment": run.segment_id}
        )
        return Difference(entered, left, int(cursor.fetchone()[0]))


def find_reasons(run: SegmentRun, previous: SegmentRun | None) -> Reasons:
    if previous is None:
        return Reasons(Reason.CREATED, Reason.CREATED)
    if run.is_restore:
        return Reasons(Reason.RESTORED, Reason.RESTORED)
    if run.version_id != previous.version_id or run.references.get("segments") != previous.references.get("segments"):
        return Reasons(Reason.RULE, Reason.RULE)
    same_lists = run.references.get("lists") == previous.references.get("lists")
    if run.publication_id == previous.publication_id:
        return Reasons(Reason.DATA, Reason.DATA) if same_lists else Reasons(Reason.LIST, Reason.LIST)
    return Reasons(Reason.DATA, Reason.WINDOW if same_lists else Reason.LIST)


def _index_staged(cursor: Any) -> None:
    cursor.execute("CREATE UNIQUE INDEX ON staged_members (customer_id)")
    cursor.execute("ANALYZE staged_members")


def _create_temporary(cursor: Any, name: str, body: str, values: Mapping[str, Any] | None = None) -> None:
    """A table of this transaction, in place of one that an earlier run has left in it."""
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    cursor.execute(f"CREATE TEMP TABLE {name} {body}", values)


def _stage_equal_customers(cursor: Any, run: SegmentRun, previous: SegmentRun | None, reasons: Reasons) -> None:
    """The changed members whose own data is as it was."""
    _create_temporary(cursor, "equal_customers", '(customer_id text COLLATE "C" PRIMARY KEY) ON COMMIT DROP')
    if previous is None or reasons.data_changed == reasons.data_equal:
        return
    cursor.execute("SELECT customer_id FROM entered_members UNION SELECT customer_id FROM left_members")
    ids = [row[0] for row in cursor.fetchall()]
    equal = list(_select_equal_customers(ids, previous, run))
    with cursor.copy("COPY equal_customers FROM STDIN") as copy:
        for customer_id in equal:
            copy.write_row((customer_id,))


def _select_equal_customers(ids: list[str], before: SegmentRun, after: SegmentRun) -> Iterator[str]:
    """Customers with the same activity in both publications. Where the older snapshot is gone, those not seen since."""
    activity = _read_activity(ids, after)
    publication = publication_get(before.publication_id)
    if publication is None or not snapshot_path(publication).is_file():
        last_seen = _ACTIVITY.index("last_seen")
        yield from (key for key, values in activity.items() if values[last_seen] is None or values[last_seen] <= before.day)  # type: ignore[operator]
        return
    earlier = _read_activity(ids, before)
    yield from (key for key, values in activity.items() if earlier.get(key) == values)


def _read_activity(ids: list[str], run: SegmentRun) -> dict[str, tuple[object, ...]]:
    publication = publication_get(run.publication_id)
    assert publication is not None
    sql = f"SELECT customer_id, {', '.join(_ACTIVITY)} FROM {TABLE} WHERE customer_id IN (SELECT unnest($1))"
    rows = snapshot_open(publication).read_rows(sql, [ids], seconds=60)
    return {row.pop("customer_id"): tuple(row.values()) for row in rows}
