"""Builds a new publication's snapshot before the first reader needs it."""

from __future__ import annotations

import logging

from celery import shared_task

from cdp_web.publications.errors import NothingPublished, SnapshotUnavailable
from cdp_web.publications.selectors import publication_get_serving
from cdp_web.snapshot.store import snapshot_ensure

logger = logging.getLogger(__name__)


@shared_task(name="snapshot.warm")
def warm() -> None:
    try:
        snapshot_ensure(publication_get_serving())
    except NothingPublished:
        return
    except SnapshotUnavailable as error:
        logger.warning("%s The next try is in a minute.", error)
