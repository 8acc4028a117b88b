"""Tables of the pipeline pages: what was last read of the servers and stores, and the replays that administrators start."""

from __future__ import annotations

import shlex

from django.conf import settings
from django.db import models


class Reading(models.Model):
    """What the site last read of one subject. Pages show it at once; readings.py renews it."""

    key = models.CharField(max_length=20, primary_key=True)
    value = models.JSONField(default=dict)
    read_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True, help_text="When a process last began to read.")

    def __str__(self) -> str:
        return self.key


class Replay(models.Model):
    """One run of Airflow's DAG `replay`. A replay follows a dry run with the same options."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    options = models.JSONField(help_text="Options of ./run replay, without --dry-run.")
    is_dry_run = models.BooleanField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    requested_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True, help_text="The counts that ./run replay --json prints.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"replay {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status in (self.Status.WAITING, self.Status.RUNNING)

    @property
    def words(self) -> str:
        return shlex.join(self.options)

    @property
    def command(self) -> str:
        return " ".join(["./run replay", *([self.words] if self.options else []), *(["--dry-run"] if self.is_dry_run else [])])

    @property
    def dag_run_id(self) -> str:
        return f"site-replay-{self.pk}"

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()
