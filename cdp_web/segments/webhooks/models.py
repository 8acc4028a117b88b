"""Tables of webhooks. Writes go through services.py and send.py of this folder."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class Webhook(models.Model):
    """An address that receives the changes of one segment or of all."""

    name = models.CharField(max_length=120)
    url = models.CharField(max_length=1000, help_text="Checked by addresses.py, when it is saved and at each try.")
    secret = models.CharField(max_length=100, help_text="Signs each message; shown once, when the webhook is added.")
    segment = models.ForeignKey(
        "segments.Segment", models.CASCADE, null=True, blank=True, related_name="webhooks", help_text="Empty: all segments."
    )
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, help_text="Deliveries in a row that failed for good.")
    disabled_reason = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = gettext_lazy("webhook")
        verbose_name_plural = gettext_lazy("webhooks")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One message of a run to a webhook. Its content is read from the members' intervals when it is sent."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        DEAD = "dead"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    run = models.ForeignKey("segments.SegmentRun", models.CASCADE, related_name="deliveries")
    part = models.PositiveIntegerField(help_text="From 1.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Tries begun.")
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.CharField(max_length=500, blank=True, help_text="The start of the answer, or why there was none.")
    next_try_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the receiver accepted it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = gettext_lazy("delivery")
        verbose_name_plural = gettext_lazy("deliveries")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["webhook", "run", "part"], name="webhook_delivery_unique")]
        indexes = [
            models.Index(fields=["webhook", "next_try_at"], condition=models.Q(status="pending"), name="webhook_delivery_due"),
            models.Index(fields=["created_at"], name="webhook_delivery_age"),
        ]

    def __str__(self) -> str:
        return f"part {self.part} of run {self.run_id} to webhook {self.webhook_id}"

    @property
    def message_id(self) -> str:
        """Equal in every try, so that a receiver recognises a message that it already has."""
        return f"msg_{self.pk}"
