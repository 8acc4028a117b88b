"""Computes the members of a segment.

1. A worker claims a run by a conditional update and holds a lease, which a thread extends while the worker lives.
2. It evaluates the rule on the snapshot and stages the members in a transaction that readers don't see.
3. The same transaction writes the difference to the members before, checks the counts and makes the run the current one.
4. Where a step fails, the members before keep serving; the run is tried again later if that may help.
5. A newer version of the rule cancels the runs of older versions.
6. A run on a large publication is computed on the cluster instead of step 2 (cluster.py), and finished in the same way.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as noop
from kombu.exceptions import OperationalError as BrokerError

from cdp.errors import first_line
from cdp.rules import Rule, decode, to_sql
from cdp.rules.truth import TruthTable
from cdp_web.segments.cluster import cluster_start, is_for_cluster
from cdp_web.segments.evaluate import evaluation_open
from cdp_web.segments.lease import Lease, LeaseLost
from cdp_web.segments.members import members_replace, members_stage
from cdp_web.segments.models import Segment, SegmentRun, SegmentSize, SegmentVersion
from cdp_web.segments.outbox import changes_announce, runs_waiting_in_outbox
from cdp_web.segments.references import References, references_load
from cdp_web.serving.errors import NotReady
from cdp_web.serving.publications import Publication, publication_get, publication_get_serving
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open

logger = logging.getLogger(__name__)
Status = SegmentRun.Status
Queue = SegmentRun.Queue

#: Name of the Celery task that computes a run.
RUN_EXECUTE = "segments.run_execute"
#: Runs kept in the history of a segment.
RUNS_KEPT = 400
MAX_ATTEMPTS = 4
#: The wait before another try; it doubles each time.
FIRST_RETRY = timedelta(seconds=15)
#: A run that waits longer is sent to the workers again: the broker may have lost it.
PATIENCE = timedelta(minutes=1)
#: One evaluation may take so long.
SECONDS = 600
_SWEEP = 200


class CountsDiffer(RuntimeError):
    """Members, list and preview must be the same number; a run where they differ must not serve."""


def segment_run_request(
    *, segment: Segment, requested_by: Any = None, queue: str = Queue.PEOPLE, is_restore: bool = False
) -> SegmentRun:
    """Request a run on the serving publication from the workers, or return the identical run that is still waiting."""
    publication = publication_get_serving()
    with transaction.atomic():
        Segment.objects.select_for_update().get(pk=segment.pk)
        _cancel_superseded(segment)
        waiting = SegmentRun.objects.filter(
            segment=segment, version__number=segment.version, publication_id=publication.id, status=Status.QUEUED
        ).first()
        if waiting:
            return waiting
        run = _run_add(segment, publication, requested_by=requested_by, queue=queue, is_restore=is_restore)
        transaction.on_commit(partial(_dispatch, run))
    return run


def segment_run_now(*, segment: Segment, publication: Publication) -> SegmentRun:
    """Compute a run in this process, for the nightly refresh."""
    return segment_run_execute(run_id=_run_add(segment, publication, queue=Queue.NIGHT).pk)


def segment_run_cancel(*, run: SegmentRun) -> bool:
    """Cancel a run that waits or works; its worker notices within seconds. False if it has ended."""
    return bool(_cancel(SegmentRun.objects.filter(pk=run.pk), "Cancelled on request."))


def segment_run_execute(*, run_id: int) -> SegmentRun:
    """Compute the run unless another worker has claimed it. A failure is stored in the run; the current members stay."""
    lease = Lease.claim(run_id)
    run = SegmentRun.objects.select_related("version", "segment").get(pk=run_id)
    if lease is None:
        return run
    try:
        with lease:
            _compute(run, lease)
    except LeaseLost:
        run.refresh_from_db()
    except Exception as error:  # any error: a run must not stay marked as running
        logger.exception("run %s of segment %s failed", run.pk, run.segment_id)
        segment_run_store_failure(run, error)
    return run


def segment_runs_sweep() -> int:
    """Take back runs whose worker is gone and resend runs that wait too long; returns how many."""
    now = timezone.now()
    expired = SegmentRun.objects.filter(status=Status.RUNNING, lease_until__lt=now)
    lost = expired.filter(attempt__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, finished_at=now, error=f"The worker was lost {MAX_ATTEMPTS} times during this run; run it again."
    )
    lost += expired.update(status=Status.QUEUED, step="", not_before=None)
    due = Q(not_before__lte=now) | Q(not_before=None)
    waiting = list(SegmentRun.objects.filter(due, status=Status.QUEUED, requested_at__lt=now - PATIENCE)[:_SWEEP])
    for run in waiting:
        _dispatch(run)
    return lost + len(waiting)


def _run_add(segment: Segment, publication: Publication, **values: Any) -> SegmentRun:
    version = SegmentVersion.objects.get(segment=segment, number=segment.version)
    return SegmentRun.objects.create(
        segment=segment, version=version, publication_id=publication.id, day=publication.day, **values
    )


def _cancel_superseded(segment: Segment) -> None:
    older = SegmentRun.objects.filter(segment=segment, version__number__lt=segment.version)
    _cancel(older, f"Version {segment.version} of the rule replaces the version of this run.")


def _cancel(runs: Any, why: str) -> int:
    active = runs.filter(status__in=(Status.QUEUED, Status.RUNNING))
    return int(active.update(status=Status.CANCELLED, finished_at=timezone.now(), error=why))


def _dispatch(run: SegmentRun) -> None:
    try:
        current_app.send_task(RUN_EXECUTE, [run.pk], queue=run.queue)
    except BrokerError as error:
        logger.warning("the broker does not answer (%s); run %s waits for the next sweep", error, run.pk)


def _compute(run: SegmentRun, lease: Lease) -> None:
    publication = publication_get(run.publication_id)
    if publication is None:
        raise LookupError(f"Publication {run.publication_id} is gone; run the segment on the current publication.")
    lease.enter_step(noop("opening the snapshot"))
    snapshot = snapshot_open(publication)
    rule = decode(run.version.rule)
    references = references_load(rule, of_segment=run.segment_id)
    compute = cluster_start if is_for_cluster(snapshot) else _compute_here
    compute(run, lease, snapshot, rule, references)


def _compute_here(run: SegmentRun, lease: Lease, snapshot: Snapshot, rule: Rule, references: References) -> None:
    run.references = references.as_json()
    lease.enter_step(noop("finding the members"), engine=SegmentRun.Engine.DUCKDB)
    with evaluation_open(snapshot, rule, references, seconds=SECONDS, on_open=lease.watch) as evaluation:
        truth = TruthTable(rule, evaluation.source)
        run.sql = to_sql(rule, evaluation.source)
        evaluation.session.execute(truth.create())
        is_member = truth.is_member()
        run.count, run.total = map(int, evaluation.session.read_row(truth.count([is_member, truth.is_anyone()])))
        lease.enter_step(noop("writing the members"))
        with transaction.atomic():
            staged = members_stage(evaluation.session.read_chunks(truth.select_ids(is_member)))
            segment_run_finish(run, lease, staged)


def segment_run_finish(run: SegmentRun, lease: Lease, staged: int) -> None:
    """Make the run the current one, in the caller's transaction. The lock on the segment keeps other runs of it waiting."""
    segment = Segment.objects.select_for_update(of=("self",)).select_related("current_run").get(pk=run.segment_id)
    if segment.current_run_id and segment.current_run_id > run.pk:
        lease.end(Status.CANCELLED, error="A newer run was complete before this one.")
        run.refresh_from_db()
        return
    difference = members_replace(run, segment.current_run)
    if not run.count == staged == difference.members:
        raise CountsDiffer(f"The rule counts {run.count} members, lists {staged}, and {difference.members} are stored.")
    run.entered, run.left = difference.entered, difference.left
    lease.end(
        Status.DONE,
        **{name: getattr(run, name) for name in ("count", "total", "entered", "left", "sql", "references")},
    )
    Segment.objects.filter(pk=run.segment_id).update(current_run=run)
    SegmentSize.objects.update_or_create(
        segment_id=run.segment_id, version=run.version.number, day=run.day, defaults={"count": run.count, "total": run.total}
    )
    changes_announce(run)
    _prune(run.segment_id)
    run.refresh_from_db()


def segment_run_store_failure(run: SegmentRun, error: Exception) -> None:
    """A server that is away may be back soon; anything else would fail again."""
    running = SegmentRun.objects.filter(pk=run.pk, status=Status.RUNNING)
    if isinstance(error, NotReady | OperationalError) and run.attempt < MAX_ATTEMPTS:
        wait = FIRST_RETRY * 2 ** (run.attempt - 1)
        running.update(status=Status.QUEUED, step="", not_before=timezone.now() + wait, error=first_line(error))
    else:
        running.update(status=Status.FAILED, step="", finished_at=timezone.now(), error=first_line(error))
    run.refresh_from_db()


def _prune(segment_id: int) -> None:
    oldest = SegmentRun.objects.filter(segment_id=segment_id).order_by("-pk").values_list("pk", flat=True)[RUNS_KEPT:]
    SegmentRun.objects.filter(pk__in=list(oldest), finished_at__isnull=False).exclude(runs_waiting_in_outbox()).delete()
