"""Computes the members of a segment. A worker claims a run by a conditional update, writes the members without touching those
that readers see, and swaps them in by another conditional update. So a run is done once even if it is requested twice, and the
last complete run serves until a newer one is complete."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from cdp.errors import first_line
from cdp.rules import decode, to_sql
from cdp_web.segments.models import Segment, SegmentMember, SegmentRun, SegmentVersion
from cdp_web.serving.publications import Publication, publication_get, publication_get_serving
from cdp_web.serving.snapshot_query import snapshot_open
from cdp_web.serving.snapshot_store import TABLE

logger = logging.getLogger(__name__)
Status = SegmentRun.Status

#: The name of the task that computes a run. Runs are sent by name because the module of tasks imports this one.
RUN_EXECUTE = "segments.run_execute"
#: Runs whose members are kept: the current one, and the one before it for an export that is still running.
MEMBERS_KEPT = 2
#: Runs kept in the history of a segment.
RUNS_KEPT = 100
#: A run that takes longer has lost its worker: the time limit of tasks is shorter.
LEASE = timedelta(minutes=35)
#: A run that waits longer is sent to the workers again: the broker may have lost it.
PATIENCE = timedelta(minutes=1)
_SWEEP = 100


def segment_run_request(*, segment: Segment, requested_by: Any = None) -> SegmentRun:
    """Request a run on the serving publication from the workers, or return the identical run that is still waiting."""
    publication = publication_get_serving()
    with transaction.atomic():
        Segment.objects.select_for_update().get(pk=segment.pk)
        waiting = SegmentRun.objects.filter(
            segment=segment, version__number=segment.version, publication_id=publication.id, status=Status.QUEUED
        ).first()
        if waiting:
            return waiting
        run = _run_add(segment, publication, requested_by)
        transaction.on_commit(partial(_dispatch, run.pk))
    return run


def segment_run_now(*, segment: Segment, publication: Publication) -> SegmentRun:
    """Compute a run in this process, for the nightly refresh."""
    return segment_run_execute(run_id=_run_add(segment, publication, None).pk)


def segment_run_execute(*, run_id: int) -> SegmentRun:
    """Compute the run unless another worker has claimed it. A failure is stored in the run; the current members stay."""
    is_claimed = SegmentRun.objects.filter(pk=run_id, status=Status.QUEUED).update(
        status=Status.RUNNING, started_at=timezone.now()
    )
    run = SegmentRun.objects.select_related("version", "segment").get(pk=run_id)
    if not is_claimed:
        return run
    try:
        _compute(run)
    except Exception as error:  # any error: a run must not stay marked as running
        logger.exception("run %s of segment %s failed", run.pk, run.segment_id)
        _finish(run, status=Status.FAILED, error=first_line(error))
    return run


def segment_runs_sweep() -> int:
    """Fail runs whose worker is gone and resend runs that wait too long; returns how many."""
    now = timezone.now()
    lost = SegmentRun.objects.filter(status=Status.RUNNING, started_at__lt=now - LEASE).update(
        status=Status.FAILED, finished_at=now, error="The worker was lost during this run; run it again."
    )
    waiting = list(
        SegmentRun.objects.filter(status=Status.QUEUED, requested_at__lt=now - PATIENCE).values_list("pk", flat=True)[:_SWEEP]
    )
    for run_id in waiting:
        _dispatch(run_id)
    return lost + len(waiting)


def _run_add(segment: Segment, publication: Publication, requested_by: Any) -> SegmentRun:
    version = SegmentVersion.objects.get(segment=segment, number=segment.version)
    return SegmentRun.objects.create(
        segment=segment, version=version, publication_id=publication.id, day=publication.day, requested_by=requested_by
    )


def _dispatch(run_id: int) -> None:
    try:
        current_app.send_task(RUN_EXECUTE, [run_id])
    except BrokerError as error:
        logger.warning("the broker does not answer (%s); run %s waits for the next sweep", error, run_id)


def _compute(run: SegmentRun) -> None:
    publication = publication_get(run.publication_id)
    if publication is None:
        raise LookupError(f"Publication {run.publication_id} is gone; run the segment on the current publication.")
    snapshot = snapshot_open(publication)
    run.sql = to_sql(decode(run.version.rule), publication.day, table=TABLE)
    run.total = snapshot.count_customers()
    with transaction.atomic():
        run.count = _copy_members(run.pk, snapshot.read_chunks(run.sql))
        _finish(run, status=Status.DONE)
        _swap(run)
        _prune(run.segment_id)


def _copy_members(run_id: int, chunks: Any) -> int:
    count = 0
    with connection.cursor() as cursor:
        statement = f"COPY {SegmentMember._meta.db_table} (run_id, customer_id) FROM STDIN"
        with cursor.copy(statement) as copy:
            for rows in chunks:
                for (customer_id,) in rows:
                    copy.write_row((run_id, customer_id))
                count += len(rows)
    return count


def _finish(run: SegmentRun, *, status: str, error: str = "") -> None:
    run.status, run.error, run.finished_at = status, error, timezone.now()
    run.save(update_fields=["status", "error", "finished_at", "count", "total", "sql"])


def _swap(run: SegmentRun) -> None:
    """Make this the current run unless a newer one already is."""
    is_older = Q(current_run=None) | Q(current_run__lt=run.pk)
    Segment.objects.filter(is_older, pk=run.segment_id).update(current_run=run)


def _prune(segment_id: int) -> None:
    """Delete the members of runs that nobody reads any more, and the oldest runs."""
    done_runs = SegmentRun.objects.filter(segment_id=segment_id, status=Status.DONE).order_by("-pk")
    keep = list(done_runs.values_list("pk", flat=True)[:MEMBERS_KEPT])
    stale = SegmentRun.objects.filter(segment_id=segment_id).exclude(pk__in=keep).values("pk")
    SegmentMember.objects.filter(run_id__in=stale).delete()
    oldest = SegmentRun.objects.filter(segment_id=segment_id).order_by("-pk").values_list("pk", flat=True)[RUNS_KEPT:]
    SegmentRun.objects.filter(pk__in=list(oldest), finished_at__isnull=False).delete()
