"""Periodic tasks of the running site."""

from __future__ import annotations

from celery import shared_task

from cdp_web.operations import services


@shared_task(name="operations.heartbeat")
def heartbeat() -> None:
    services.heartbeat_write()
