"""Tables of segments and lists. Writes go through services.py, runs.py, members.py and lists.py; readers see
`Segment.current_run`."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy

from cdp_web.segments.webhooks.models import Webhook, WebhookDelivery

__all__ = [
    "MAX_SEGMENTS",
    "CustomerList",
    "ListMember",
    "Membership",
    "Reason",
    "Segment",
    "SegmentRun",
    "SegmentSize",
    "SegmentVersion",
    "Webhook",
    "WebhookDelivery",
]

#: Most segments that are not archived: the list shows them all, and the nightly refresh computes them all.
MAX_SEGMENTS = 1000


class Segment(models.Model):
    """A named rule. Its members are those of the last complete run."""

    name = models.CharField(max_length=120)
    description = models.TextField(max_length=1000, blank=True)
    rule = models.JSONField(help_text="The rule's document in its current version; cdp/rules reads it.")
    rule_hash = models.CharField(max_length=64, db_index=True, help_text="Equal for rules with the same canonical form.")
    version = models.PositiveIntegerField(default=1, help_text="Counts the changes of the rule.")
    revision = models.PositiveIntegerField(default=1, help_text="Counts every save, also of the name, description and tags.")
    tags = models.JSONField(default=list, blank=True, help_text="Short words, to find segments by.")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="segments")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Deleted, and restored on request for some days.")
    current_run = models.ForeignKey("SegmentRun", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = gettext_lazy("segment")
        verbose_name_plural = gettext_lazy("segments")
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="segment_name_unique",
                violation_error_message=gettext_lazy("A segment with this name already exists; choose another name."),
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
        verbose_name = gettext_lazy("version")
        verbose_name_plural = gettext_lazy("versions")
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
        CANCELLED = "cancelled"

    class Queue(models.TextChoices):
        PEOPLE = "people"
        NIGHT = "night"

    class Engine(models.TextChoices):
        DUCKDB = "duckdb"
        SPARK = "spark"

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="runs")
    version = models.ForeignKey(SegmentVersion, models.CASCADE, related_name="runs")
    publication_id = models.BigIntegerField()
    day = models.DateField(help_text="The published day.")
    queue = models.CharField(max_length=10, choices=Queue.choices, default=Queue.PEOPLE)
    engine = models.CharField(max_length=10, choices=Engine.choices, default=Engine.DUCKDB)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    step = models.CharField(max_length=40, blank=True, help_text="What the run does now.")
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Tries begun.")
    not_before = models.DateTimeField(null=True, blank=True, help_text="A failed try is repeated after this time.")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="Extended while the worker lives.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    requested_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    count = models.BigIntegerField(null=True, blank=True, help_text="Members.")
    entered = models.BigIntegerField(null=True, blank=True)
    left = models.BigIntegerField(null=True, blank=True)
    total = models.BigIntegerField(null=True, blank=True, help_text="All customers of the publication.")
    #: Segment id -> version, and list id -> version, of all that the rule refers to.
    references = models.JSONField(default=dict, blank=True)
    is_restore = models.BooleanField(default=False, help_text="The first run after the segment was restored.")
    sql = models.TextField(blank=True)
    error = models.TextField(blank=True)
    changes_sent_at = models.DateTimeField(null=True, blank=True, help_text="When Kafka had all changes of the run.")

    class Meta:
        verbose_name = gettext_lazy("run")
        verbose_name_plural = gettext_lazy("runs")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["status", "requested_at"], name="segment_run_waiting"),
            models.Index(fields=["segment", "-id"], name="segment_run_latest"),
            models.Index(fields=["id"], condition=models.Q(status="done", changes_sent_at=None), name="segment_run_unsent"),
        ]

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


class Reason(models.TextChoices):
    """Why a customer entered or left a segment."""

    CREATED = "created"  # the segment is new
    DATA = "data"  # the customer did something
    WINDOW = "window"  # only time has passed
    RULE = "rule"
    LIST = "list"
    RESTORED = "restored"


class Membership(models.Model):
    """A customer's stay in a segment, from the run that let the customer in until the run that took the customer out.

    members.py is the only writer. The members as of a run are those who entered in it or before and did not leave by then, so an
    export reads one state however long it takes.
    """

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="memberships", db_index=False)
    customer_id = models.CharField(max_length=500, db_collation="C")
    # Runs are deleted after a while; the days and reasons stay.
    entered_run = models.BigIntegerField()
    entered_day = models.DateField()
    entered_reason = models.CharField(max_length=10, choices=Reason.choices)
    left_run = models.BigIntegerField(null=True)
    left_day = models.DateField(null=True)
    left_reason = models.CharField(max_length=10, choices=Reason.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["segment", "customer_id"], condition=models.Q(left_run=None), name="membership_open_unique"
            )
        ]
        indexes = [
            models.Index(fields=["customer_id", "segment"], name="membership_customer"),
            models.Index(fields=["segment", "entered_run"], name="membership_entered"),
            models.Index(fields=["segment", "left_run"], condition=~models.Q(left_run=None), name="membership_left"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} in segment {self.segment_id}"


class SegmentSize(models.Model):
    """How many members the rule has on a published day, also before the segment existed."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="sizes")
    version = models.PositiveIntegerField()
    day = models.DateField()
    count = models.BigIntegerField()
    total = models.BigIntegerField()

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["segment", "version", "day"], name="segment_size_unique")]

    def __str__(self) -> str:
        return f"{self.segment} on {self.day}"


class CustomerList(models.Model):
    """An uploaded list of customer ids."""

    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1, help_text="Counts the uploads.")
    count = models.BigIntegerField(default=0, help_text="Different ids.")
    report = models.JSONField(default=dict, blank=True, help_text="What the last upload held.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="lists")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = gettext_lazy("list")
        verbose_name_plural = gettext_lazy("lists")
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="list_name_unique",
                violation_error_message=gettext_lazy("A list with this name already exists; choose another name."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class ListMember(models.Model):
    """A customer id of a list, whether such a customer exists or not."""

    pk = models.CompositePrimaryKey("list_id", "customer_id")
    list = models.ForeignKey(CustomerList, models.CASCADE, related_name="members", db_index=False)
    customer_id = models.CharField(max_length=500, db_collation="C")

    def __str__(self) -> str:
        return f"{self.customer_id} in list {self.list_id}"
