"""Periodic tasks of the site: the heartbeat, and the snapshot of a new publication."""

from __future__ import annotations

import logging
import time

import redis
from celery import shared_task

from cdp.programs import HEARTBEAT
from cdp.settings import current
from cdp_web.serving.errors import NothingPublished, SnapshotUnavailable
from cdp_web.serving.publications import publication_get_serving
from cdp_web.serving.recommendations import recommendations_ensure, recommendations_get
from cdp_web.serving.snapshot_query import snapshot_open

logger = logging.getLogger(__name__)

HEARTBEAT_LIFETIME = 120


@shared_task(name="operations.heartbeat")
def heartbeat() -> None:
    """Record that beat, broker and a worker are all alive; the stack's probe reads it."""
    with redis.Redis.from_url(current().redis_url, socket_timeout=5) as client:
        client.set(HEARTBEAT, int(time.time()), ex=HEARTBEAT_LIFETIME)


@shared_task(name="snapshot.warm")
def warm() -> None:
    """Build the files of a new publication, of customers or of recommendations, before the first reader needs it."""
    try:
        recommendations_ensure(snapshot_open(publication_get_serving()), recommendations_get())
    except NothingPublished:
        return
    except SnapshotUnavailable as error:
        logger.warning("%s The next try is in a minute.", error)
