"""The Celery app and its schedule. The work of a task is in the services of its Django app."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from kombu import Exchange, Queue

from cdp.settings import current

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp_web.settings")

#: Every periodic task: what, how often, and why so often.
SCHEDULE: dict[str, dict[str, Any]] = {
    # The stack's health probe reads what this writes. A beat that waited too long proves nothing, so it expires.
    "heartbeat": {"task": "operations.heartbeat", "schedule": 10.0, "options": {"expires": 10}},
    # A publication comes once a night; its snapshot is ready a minute later.
    "snapshot": {"task": "snapshot.warm", "schedule": 60.0, "options": {"expires": 60}},
    # Runs whose worker or broker was lost are found within a minute or two.
    "sweep": {"task": "segments.runs_sweep", "schedule": 15.0, "options": {"expires": 15}},
    # Deliveries that failed are tried again after 10 seconds at the earliest.
    "webhooks": {"task": "segments.webhooks_sweep", "schedule": 10.0, "options": {"expires": 10, "queue": "out"}},
    # Changes are sent to Kafka after each run; this finds what was left while Kafka or the broker was away.
    "changes": {"task": "segments.changes_send", "schedule": 60.0, "options": {"expires": 60, "queue": "out"}},
    # Members that the cluster has found are collected within seconds.
    "cluster": {"task": "segments.cluster_poll", "schedule": 5.0, "options": {"expires": 5}},
    # Segments that read recommendations follow a new publication of them within a minute or two.
    "recommendations": {"task": "segments.recommendations_refresh", "schedule": 60.0, "options": {"expires": 60}},
    # Somebody waits for an alert; a look for new ones takes a millisecond.
    "alerts": {"task": "fraud.alerts_sweep", "schedule": 3.0, "options": {"expires": 3, "queue": "out"}},
    # The pipeline page shows since when a server is down, also if nobody was looking.
    "watch": {"task": "pipeline.watch", "schedule": 30.0, "options": {"expires": 30, "queue": "out"}},
    # Segments that were deleted a month ago can't be restored any more.
    "purge": {"task": "segments.purge", "schedule": 86_400.0, "options": {"expires": 3600}},
    # The log of deliveries is kept for a month.
    "alerts-purge": {"task": "fraud.purge", "schedule": 86_400.0, "options": {"expires": 3600, "queue": "out"}},
}

#: In the order in which workers look into them. Receivers of changes may be slow, so their messages come last.
QUEUES = ("people", "night", "out")

app = Celery("cdp_web")
app.conf.update(
    broker_url=current().redis_url,
    broker_connection_retry_on_startup=True,
    # A page that requests a run must not wait forever for a broker that hangs.
    # Workers take runs that people wait for before those of the nightly refresh.
    broker_transport_options={
        "visibility_timeout": 3600,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "queue_order_strategy": "priority",
    },
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
    task_default_queue=QUEUES[0],
    task_ignore_result=True,
    task_acks_late=True,
    task_time_limit=1800,
    task_track_started=False,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=500,
    timezone="UTC",
    beat_schedule=SCHEDULE,
    beat_scheduler="celery.beat:Scheduler",  # keeps its state in memory, which is enough for tasks this frequent
)
app.autodiscover_tasks()


@setup_logging.connect
def log_like_django(**_: object) -> None:
    """Keep Celery from replacing Django's logging with its own."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)
