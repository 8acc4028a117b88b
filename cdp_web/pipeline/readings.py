"""What the site knows of the servers and stores. One process at a time reads a subject, at most every few seconds, however many
pages ask; all others show the last reading."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from cdp.settings import current
from cdp_web.pipeline import ledger_read, probes, schedule, stream_read
from cdp_web.pipeline.models import Reading

#: Subject -> its reader, which gets the value before, and the least time between two readings.
SUBJECTS: dict[str, tuple[Callable[[Any], Any], timedelta]] = {
    "servers": (lambda before: probes.servers_read(current(), before), timedelta(seconds=8)),
    "stream": (lambda before: stream_read.stream_read(current()), timedelta(seconds=8)),
    "schedule": (lambda before: schedule.schedule_read(), timedelta(seconds=55)),
    "ledger": (lambda before: ledger_read.ledger_read(current()), timedelta(seconds=55)),
}
QUICK = ("servers", "stream")
SLOW = ("schedule", "ledger")


def reading_get(key: str) -> Reading | None:
    """The last complete reading."""
    return Reading.objects.filter(key=key, read_at__isnull=False).first()


def readings_refresh(keys: tuple[str, ...]) -> None:
    """Read these subjects again unless that happened a moment ago."""
    for key in keys:
        _refresh(key, *SUBJECTS[key])


def _refresh(key: str, read: Callable[[Any], Any], every: timedelta) -> None:
    now = timezone.now()
    Reading.objects.get_or_create(key=key)
    due = Reading.objects.filter(Q(claimed_at=None) | Q(claimed_at__lt=now - every), key=key)
    if due.update(claimed_at=now):
        value = read(Reading.objects.values_list("value", flat=True).get(key=key))
        Reading.objects.filter(key=key).update(value=value, read_at=timezone.now())
