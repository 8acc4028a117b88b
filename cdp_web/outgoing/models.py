"""The columns of everything that receives messages, and of the log of its deliveries."""

from __future__ import annotations

from django.db import models


class ReceiverBase(models.Model):
    """Somebody who gets messages, until they fail for good too often."""

    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, help_text="Deliveries in a row that failed for good.")
    disabled_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True


class DeliveryBase(models.Model):
    """One message to a receiver."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        DEAD = "dead"

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Tries begun.")
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.CharField(max_length=500, blank=True, help_text="The start of the answer, or why there was none.")
    next_try_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the receiver accepted it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    @property
    def message_id(self) -> str:
        """Equal in every try, so that a receiver recognises a message that it already has."""
        return f"msg_{self.pk}"
