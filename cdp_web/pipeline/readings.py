"""What the site knows of the servers and stores. One process at a time reads a subject, at most every few seconds, however many
pages ask; all others show the last reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from cdp.settings import current
from cdp_web.pipeline import ledger_read, probes, report, schedule, stream_read
from cdp_web.pipeline.ledger_read import LedgerFigures
from cdp_web.pipeline.models import Reading

HDFS_DOWN = "HDFS is not healthy"
#: Subject -> its reader, which gets the value before, and the least time between two readings.
SUBJECTS: dict[str, tuple[Callable[[Any], Any], timedelta]] = {
    "servers": (lambda before: probes.servers_read(current(), before), timedelta(seconds=8)),
    "stream": (lambda before: stream_read.stream_read(current()), timedelta(seconds=8)),
    "schedule": (lambda before: schedule.schedule_read(), timedelta(seconds=55)),
    "ledger": (lambda before: _read_ledger(before), timedelta(seconds=55)),
    "freshness": (lambda before: report.freshness_read(), timedelta(seconds=8)),
}


def readings_refresh() -> None:
    """Read every subject again, unless that happened a moment ago."""
    for key, (read, every) in SUBJECTS.items():
        _refresh(key, read, every)


def _read_ledger(before: Any) -> Any:
    """HDFS's client tries for minutes, so it is not used while HDFS is down: the last figures stay, with the reason."""
    servers = Reading.objects.filter(key="servers").values_list("value", flat=True).first() or {}
    if servers.get("hdfs", {}).get("state") == "unhealthy":
        return (before or asdict(LedgerFigures())) | {"error": HDFS_DOWN}
    return ledger_read.ledger_read(current())


def _refresh(key: str, read: Callable[[Any], Any], every: timedelta) -> None:
    now = timezone.now()
    Reading.objects.get_or_create(key=key)
    due = Reading.objects.filter(Q(claimed_at=None) | Q(claimed_at__lt=now - every), key=key)
    if due.update(claimed_at=now):
        value = read(Reading.objects.values_list("value", flat=True).get(key=key))
        Reading.objects.filter(key=key).update(value=value, read_at=timezone.now())
