"""Follows the runs on the cluster: shows how far they are, and collects the members of those that are done."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils.translation import gettext_noop as noop

from cdp_web.segments import cluster
from cdp_web.segments.airflow import AirflowUnavailable, dag_runs_get_failed, get_dag_run_id
from cdp_web.segments.cluster import ClusterJob
from cdp_web.segments.lease import Lease, LeaseLost
from cdp_web.segments.members import members_stage_job
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.runs import segment_run_finish, segment_run_store_failure

logger = logging.getLogger(__name__)


class ClusterFailed(RuntimeError):
    """The cluster could not compute a run."""


def cluster_poll() -> None:
    if not cluster.jobs_exist():
        return
    running = SegmentRun.objects.filter(status=SegmentRun.Status.RUNNING, engine=SegmentRun.Engine.SPARK)
    runs = {run.pk: run for run in running.select_related("version", "segment")}
    jobs = cluster.jobs_get(runs)
    for run_id, job in jobs.items():
        _follow(runs[run_id], job)
    _fail_stopped({run_id: runs[run_id] for run_id, job in jobs.items() if job.is_active})
    cluster.jobs_cancel_unneeded()


def _follow(run: SegmentRun, job: ClusterJob) -> None:
    lease = Lease(run.pk, run.attempt)
    try:
        lease.extend(cluster.LEASE, step=_describe_step(job))
        if job.state == "done":
            _collect(run, lease)
        elif not job.is_active:
            _fail(run, job.error or "The job was cancelled.")
    except LeaseLost:
        return
    except Exception as error:  # any error: a run must not stay marked as running
        logger.exception("the members of run %s could not be collected", run.pk)
        segment_run_store_failure(run, error)


def _describe_step(job: ClusterJob) -> str:
    if job.state == "queued":
        return noop("waiting for the cluster")
    return job.step if job.state == "running" else noop("writing the members")


@transaction.atomic
def _collect(run: SegmentRun, lease: Lease) -> None:
    job = cluster.job_lock_done(run.pk)
    if job is None or not lease.is_valid():
        return
    run.count = job.count
    segment_run_finish(run, lease, members_stage_job(run.pk))
    cluster.jobs_clear([run.pk])


def _fail_stopped(runs: dict[int, SegmentRun]) -> None:
    """Fail the runs that Airflow has given up. A program that fails says so in its job; one that was killed can't."""
    if not runs:
        return
    try:
        failed = dag_runs_get_failed()
    except AirflowUnavailable as error:
        logger.warning("%s The runs on the cluster may go on.", error)
        return
    stopped = [run_id for run_id in runs if get_dag_run_id(run_id) in failed]
    for run_id, job in cluster.jobs_get(stopped).items():
        if job.is_active:
            _fail(runs[run_id], f"The cluster stopped without a result; Airflow shows why in {get_dag_run_id(run_id)}.")


def _fail(run: SegmentRun, says: str) -> None:
    segment_run_store_failure(run, ClusterFailed(says))
    cluster.jobs_clear([run.pk])
