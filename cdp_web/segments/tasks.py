"""Celery tasks of segments: each calls one service."""

from __future__ import annotations

from celery import shared_task

from cdp_web.segments import history, runs, services


@shared_task(name=runs.RUN_EXECUTE)
def run_execute(run_id: int) -> None:
    runs.segment_run_execute(run_id=run_id)


@shared_task(name="segments.runs_sweep")
def runs_sweep() -> None:
    runs.segment_runs_sweep()


@shared_task(name="segments.purge")
def purge() -> None:
    services.segments_purge()


@shared_task(name=history.SIZES_FILL)
def sizes_fill(segment_id: int) -> None:
    history.sizes_fill(segment_id)
