"""Tables of segments. Writes go through services.py and runs.py; readers see `Segment.current_run`."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

#: Most segments that are not archived: the list shows them all, and the nightly refresh computes them all.
MAX_SEGMENTS = 1000


class Segment(models.Model):
    """A named rule. Its members are those of the last complete run."""

    name = models.CharField(max_length=120)
    description = models.TextField(max_length=1000, blank=True)
    rule = models.JSONField(help_text="The rule's document in its current version; cdp/rules reads it.")
    rule_hash = models.CharField(max_length=64, db_index=True, help_text="Equal for rules with the same canonical form.")
    version = models.PositiveIntegerField(default=1, help_text="Counts the changes of the rule.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="segments")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    current_run = models.ForeignKey("SegmentRun", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="segment_name_unique",
                violation_error_message="A segment with this name already exists; choose another name.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class SegmentVersion(models.Model):
    """A rule as it was saved; it never changes afterwards."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    rule = models.JSONField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["segment", "number"], name="segment_version_unique")]

    def __str__(self) -> str:
        return f"{self.segment} v{self.number}"


class SegmentRun(models.Model):
    """One computation of one version of a rule on one publication."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="runs")
    version = models.ForeignKey(SegmentVersion, models.CASCADE, related_name="runs")
    publication_id = models.BigIntegerField()
    day = models.DateField(help_text="The published day.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    requested_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    count = models.BigIntegerField(null=True, blank=True, help_text="Members.")
    total = models.BigIntegerField(null=True, blank=True, help_text="All customers of the publication.")
    sql = models.TextField(blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["status", "requested_at"], name="segment_run_waiting")]

    def __str__(self) -> str:
        return f"{self.version} on publication {self.publication_id}"

    @property
    def is_active(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def share(self) -> float | None:
        """The members' share of all customers."""
        return self.count / self.total if self.count is not None and self.total else None

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class SegmentMember(models.Model):
    """A customer in a run. Written by COPY, one run at a time, and removed with its run."""

    pk = models.CompositePrimaryKey("run_id", "customer_id")
    # No constraint in the database: Postgres would check it for every row of a COPY, and runs.py is the only writer.
    run = models.ForeignKey(SegmentRun, models.CASCADE, related_name="members", db_constraint=False, db_index=False)
    customer_id = models.CharField(max_length=500, db_collation="C")

    class Meta:
        indexes = [models.Index(fields=["customer_id"], name="segment_member_customer")]

    def __str__(self) -> str:
        return f"{self.customer_id} in run {self.run_id}"
