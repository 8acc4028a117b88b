"""Celery tasks of segments: they only call services."""

from __future__ import annotations

from celery import shared_task

from cdp_web.segments import cluster, cluster_poll, runs, services


@shared_task(name=runs.RUN_EXECUTE)
def run_execute(run_id: int) -> None:
    runs.segment_run_execute(run_id=run_id)


@shared_task(name="segments.runs_sweep")
def runs_sweep() -> None:
    runs.segment_runs_sweep()


@shared_task(name="segments.cluster_poll")
def poll_cluster() -> None:
    cluster_poll.cluster_poll()


@shared_task(name="segments.purge")
def purge() -> None:
    services.segments_purge()
    cluster.jobs_purge()
