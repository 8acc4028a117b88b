"""Tables of webhooks. Writes go through services.py of this folder and outgoing/send.py."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from cdp_web.outgoing.models import DeliveryBase, ReceiverBase


class Webhook(ReceiverBase):
    """An address that receives the changes of one segment or of all."""

    name = models.CharField(max_length=120)
    url = models.CharField(max_length=1000, help_text="Checked by addresses.py, when it is saved and at each try.")
    secret = models.CharField(max_length=100, help_text="Signs each message; shown once, when the webhook is added.")
    segment = models.ForeignKey(
        "segments.Segment", models.CASCADE, null=True, blank=True, related_name="webhooks", help_text="Empty: all segments."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = gettext_lazy("webhook")
        verbose_name_plural = gettext_lazy("webhooks")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(DeliveryBase):
    """One message of a run to a webhook. Its content is read from the members' intervals when it is sent."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    run = models.ForeignKey("segments.SegmentRun", models.CASCADE, related_name="deliveries")
    part = models.PositiveIntegerField(help_text="From 1.")

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
