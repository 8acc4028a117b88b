"""Runs that are too large for this machine: the site adds a job, and Airflow starts it on the Spark cluster. cluster_poll.py
collects the members."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_noop as noop

from cdp.mart.daily import create_statements
from cdp.mart.segment_jobs import SEGMENT_JOB, SEGMENT_JOB_LIST, SEGMENT_JOB_MEMBER, SEGMENT_TABLES
from cdp.postgres import TABLE_EXISTS
from cdp.rules import Rule, Source, to_sql
from cdp.rules.jobs import JobRule
from cdp.settings import current
from cdp_web.segments.airflow import dag_run_start
from cdp_web.segments.lease import Lease
from cdp_web.segments.models import ListMember, SegmentRun
from cdp_web.segments.references import References
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import Snapshot

#: A run on the cluster has no worker of its own, so this is how long all workers may be busy before it counts as lost.
LEASE = timedelta(minutes=15)
_JOB, _LIST, _MEMBER = (table.full_name for table in (SEGMENT_JOB, SEGMENT_JOB_LIST, SEGMENT_JOB_MEMBER))
_RUN = SegmentRun._meta.db_table


@dataclass(frozen=True, slots=True)
class ClusterJob:
    """How far the cluster is with a run."""

    run: int
    state: str
    step: str
    error: str
    count: int | None

    @property
    def is_active(self) -> bool:
        return self.state in ("queued", "running")


def is_for_cluster(snapshot: Snapshot) -> bool:
    limit = current().segment_cluster_rows
    return limit == 0 or count_publication_rows(snapshot) > limit


def count_publication_rows(snapshot: Snapshot) -> int:
    return snapshot.count_customers() + snapshot.count_rows("any", None, snapshot.publication.day)


def cluster_start(run: SegmentRun, lease: Lease, snapshot: Snapshot, rule: Rule, references: References) -> None:
    """Hand the run over to the cluster. Raises AirflowUnavailable; the next try then finds the job and adds no second one."""
    sql = to_sql(rule, Source(run.day, "spark", segments=references.segments))
    total = snapshot.count_customers()
    with transaction.atomic():
        if _job_add(run, snapshot.publication, rule, references):
            values = {"sql": sql, "total": total, "references": references.as_json()}
            lease.enter_step(noop("starting on the cluster"), engine=SegmentRun.Engine.SPARK, **values)
    dag_run_start(run.pk)
    lease.hand_over(LEASE)
    run.refresh_from_db()


def jobs_exist() -> bool:
    """Whether the tables exist: the first job or night creates them."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [_LIST])
        return bool(cursor.fetchone()[0])


def jobs_get(run_ids: Iterable[int]) -> dict[int, ClusterJob]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT run, state, step, error, count FROM {_JOB} WHERE run = ANY(%s)", [list(run_ids)])
        return {row[0]: ClusterJob(*row) for row in cursor.fetchall()}


def job_lock_done(run_id: int) -> ClusterJob | None:
    """A job that is done, for the caller's transaction alone. None if another worker has it."""
    query = f"SELECT run, state, step, error, count FROM {_JOB} WHERE run = %s AND state = 'done' FOR UPDATE SKIP LOCKED"
    with connection.cursor() as cursor:
        cursor.execute(query, [run_id])
        row = cursor.fetchone()
    return ClusterJob(*row) if row else None


def jobs_clear(run_ids: list[int]) -> None:
    """Remove the rows that only served to hand members over. The jobs themselves stay."""
    with connection.cursor() as cursor:
        for table in (_MEMBER, _LIST):
            cursor.execute(f"DELETE FROM {table} WHERE run = ANY(%s)", [run_ids])


@transaction.atomic
def jobs_cancel_unneeded() -> None:
    """Cancel the jobs of runs that were cancelled, have failed or are gone. Batch notices at its next step."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_JOB} j SET state = 'cancelled', ended_at = coalesce(ended_at, now())"
            " WHERE state IN ('queued', 'running', 'done') AND NOT EXISTS ("
            f"SELECT FROM {_RUN} r WHERE r.id = j.run AND r.status IN ('queued', 'running', 'done')) RETURNING run"
        )
        run_ids = [row[0] for row in cursor.fetchall()]
    if run_ids:
        jobs_clear(run_ids)


def jobs_purge() -> None:
    """Remove the jobs of runs that are no longer in the history."""
    if not jobs_exist():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {_JOB} j WHERE state NOT IN ('queued', 'running', 'done')"
            f" AND NOT EXISTS (SELECT FROM {_RUN} r WHERE r.id = j.run)"
        )


def _job_add(run: SegmentRun, publication: Publication, rule: Rule, references: References) -> bool:
    """Add the job, or bring that of an earlier try up to date. False if the cluster has already begun it."""
    row = {
        "run": run.pk, "rule": "{}", "day": publication.day, "customers_version": publication.customers_version,
        "interactions_version": publication.interactions_version, "state": "queued",
    }  # fmt: skip
    with connection.cursor() as cursor:
        if not jobs_exist():
            for statement in create_statements(SEGMENT_TABLES):
                cursor.execute(statement)
        cursor.execute(
            f"INSERT INTO {_JOB} ({', '.join(row)}, requested_at) VALUES ({', '.join(['%s'] * len(row))}, now())"
            f" ON CONFLICT (run) DO UPDATE SET requested_at = now() WHERE {SEGMENT_JOB.name}.state = 'queued'",
            list(row.values()),
        )
        if cursor.rowcount == 0:
            return False
        sizes = _copy_lists(cursor, run.pk, list(references.list_versions))
        version = references.recommendations.version if references.recommendations else None
        document = json.dumps(JobRule(rule, references.segments, sizes, version).as_json())
        cursor.execute(f"UPDATE {_JOB} SET rule = %s WHERE run = %s", [document, run.pk])
    return True


def _copy_lists(cursor: Any, run_id: int, list_ids: list[int]) -> dict[int, int]:
    """Copy the members of the lists for the job; returns their numbers."""
    cursor.execute(f"DELETE FROM {_LIST} WHERE run = %s", [run_id])
    cursor.execute(
        f"INSERT INTO {_LIST} (run, list_id, customer_id)"
        f" SELECT %s, list_id, customer_id FROM {ListMember._meta.db_table} WHERE list_id = ANY(%s)",
        [run_id, list_ids],
    )
    cursor.execute(f"SELECT list_id, count(*) FROM {_LIST} WHERE run = %s GROUP BY list_id", [run_id])
    return dict.fromkeys(list_ids, 0) | dict(cursor.fetchall())
