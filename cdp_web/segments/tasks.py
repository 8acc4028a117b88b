"""Celery tasks of segments: they only call services."""

from __future__ import annotations

from celery import shared_task

from cdp_web.segments import change_topic, cluster, cluster_poll, history, outbox, refresh, runs, services
from cdp_web.segments.webhooks.send import WEBHOOKS


@shared_task(name=runs.RUN_EXECUTE)
def run_execute(run_id: int) -> None:
    runs.segment_run_execute(run_id=run_id)


@shared_task(name="segments.runs_sweep")
def runs_sweep() -> None:
    runs.segment_runs_sweep()


@shared_task(name="segments.cluster_poll")
def poll_cluster() -> None:
    cluster_poll.cluster_poll()


@shared_task(name="segments.recommendations_refresh")
def refresh_recommendations() -> None:
    refresh.recommendations_refresh()


@shared_task(name="segments.purge")
def purge() -> None:
    services.segments_purge()
    WEBHOOKS.purge()
    cluster.jobs_purge()


@shared_task(name=outbox.WEBHOOK_SEND, soft_time_limit=60)
def webhook_send(webhook_id: int) -> None:
    if WEBHOOKS.send(webhook_id):
        outbox.webhook_dispatch(webhook_id)


@shared_task(name=outbox.CHANGES_SEND)
def changes_send() -> None:
    change_topic.changes_send()


@shared_task(name="segments.webhooks_sweep")
def webhooks_sweep() -> None:
    outbox.webhooks_sweep()


@shared_task(name=history.SIZES_FILL)
def sizes_fill(segment_id: int) -> None:
    history.sizes_fill(segment_id)
