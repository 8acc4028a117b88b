"""Celery tasks of alerts: they only call services."""

from __future__ import annotations

from celery import shared_task

from cdp_web.fraud.channels import ALERTS
from cdp_web.fraud.deliver import deliveries_create

#: Seconds after which a task that waited is dropped: the next sweep sends it again.
EXPIRES = 60


@shared_task(name="fraud.alerts_sweep")
def alerts_sweep() -> None:
    deliveries_create()
    for channel_id in ALERTS.list_receivers():
        channel_send.apply_async([channel_id], queue="out", expires=EXPIRES)


@shared_task(name="fraud.channel_send", soft_time_limit=60)
def channel_send(channel_id: int) -> None:
    if ALERTS.send(channel_id):
        channel_send.apply_async([channel_id], queue="out", expires=EXPIRES)


@shared_task(name="fraud.purge")
def purge() -> None:
    ALERTS.purge()
