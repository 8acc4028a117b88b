"""The lease of a run: proof that its worker lives. A run with an expired lease may be given to another worker."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from types import TracebackType
from typing import Any

import duckdb
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from cdp.settings import current
from cdp_web.segments.models import SegmentRun

logger = logging.getLogger(__name__)
Status = SegmentRun.Status

#: Heartbeats within one lease: a few may fail before the run is given away.
BEATS = 6


def lease_length() -> timedelta:
    return timedelta(seconds=current().segment_lease_seconds)


class LeaseLost(RuntimeError):
    """The run was cancelled, or another worker has it."""


class Lease:
    """Held by one worker for one try of a run. As a context manager it extends the lease from a thread of its own."""

    def __init__(self, run_id: int, attempt: int) -> None:
        self._mine = SegmentRun.objects.filter(pk=run_id, status=Status.RUNNING, attempt=attempt)
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._thread = threading.Thread(target=self._beat, name=f"lease-{run_id}", daemon=True)

    @classmethod
    def claim(cls, run_id: int) -> Lease | None:
        """None if the run does not wait, or not yet."""
        now = timezone.now()
        due = Q(not_before=None) | Q(not_before__lte=now)
        is_claimed = SegmentRun.objects.filter(due, pk=run_id, status=Status.QUEUED).update(
            status=Status.RUNNING, started_at=now, lease_until=now + lease_length(), attempt=F("attempt") + 1, error=""
        )
        if not is_claimed:
            return None
        return cls(run_id, SegmentRun.objects.values_list("attempt", flat=True).get(pk=run_id))

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        if error is not None and self._lost.is_set():
            raise LeaseLost from error

    def watch(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """The query that is interrupted when the lease is lost."""
        self._cursor = cursor

    def enter_step(self, step: str, **values: Any) -> None:
        self._update(step=step, **values)

    def is_valid(self) -> bool:
        return self._mine.exists()

    def extend(self, span: timedelta, **values: Any) -> None:
        self._update(lease_until=timezone.now() + span, **values)

    def hand_over(self, span: timedelta) -> None:
        """Leave the run to others, who must extend the lease within this time."""
        self._ended.set()
        self._thread.join()
        self.extend(span)

    def end(self, status: str, **values: Any) -> None:
        """Store the outcome in the caller's transaction."""
        self._update(status=status, step="", finished_at=timezone.now(), **values)

    def _update(self, **values: Any) -> None:
        if not self._mine.update(**values):
            self._lost.set()
            raise LeaseLost

    def _beat(self) -> None:
        try:
            while not self._ended.wait(lease_length().total_seconds() / BEATS):
                self._extend()
        finally:
            connection.close()  # every thread has a connection of its own

    def _extend(self) -> None:
        try:
            is_mine = self._mine.update(lease_until=timezone.now() + lease_length())
        except DatabaseError as error:  # the run itself fails if the database stays away
            logger.warning("the lease could not be extended: %s", error)
            return
        if not is_mine:
            self._lost.set()
            self._ended.set()
            if self._cursor:
                self._cursor.interrupt()
