"""Celery task of the pipeline: it renews the readings, so that a failure is noticed although nobody looks at the page."""

from __future__ import annotations

from celery import shared_task

from cdp_web.pipeline.readings import readings_refresh


@shared_task(name="pipeline.watch")
def watch() -> None:
    readings_refresh()
