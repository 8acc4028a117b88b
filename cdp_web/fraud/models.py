"""Tables of fraud rules, decisions and channels. The streams read the rules and write the alerts (`live.alert`)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cdp.fraud import BY_KEY, RULE_TABLE, RuleKind
from cdp_web.fraud.words import KIND_TITLES, describe_rule
from cdp_web.outgoing.models import DeliveryBase, ReceiverBase


class FraudRule(models.Model):
    """A rule that the streams evaluate."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=KIND_TITLES.items(), editable=False)
    parameters = models.JSONField(help_text="By name, as cdp/fraud/kinds.py declares them; money is text.", editable=False)
    is_active = models.BooleanField(_("on"), default=False)
    active_since = models.DateTimeField(
        _("on since"), null=True, blank=True, editable=False, help_text="Earlier orders and payments make no alerts."
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        db_table = RULE_TABLE
        verbose_name = _("fraud rule")
        verbose_name_plural = _("fraud rules")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(is_active=False) | ~models.Q(active_since=None), name="fraud_rule_since")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rule_kind(self) -> RuleKind:
        return BY_KEY[self.kind]

    @property
    def sentence(self) -> str:
        return describe_rule(self.kind, self.parameters)


class AlertState(models.Model):
    """What a person decided about an alert. An alert without a row is open."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CONFIRMED = "confirmed", _("Confirmed")
        DISMISSED = "dismissed", _("Dismissed")

    alert_id = models.BigIntegerField(primary_key=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    note = models.CharField(max_length=500, blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "fraud_alert_state"
        verbose_name = _("decision about an alert")
        verbose_name_plural = _("decisions about alerts")

    def __str__(self) -> str:
        return f"alert {self.alert_id}"


class Channel(ReceiverBase):
    """A place that new alerts are sent to."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("webhook, signed")
        SLACK = "slack", "Slack"
        DISCORD = "discord", "Discord"
        EMAIL = "email", _("e-mail")

    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    url = models.CharField(_("address"), max_length=1000, blank=True)
    recipients = models.CharField(_("recipients"), max_length=1000, blank=True)
    secret = models.CharField(max_length=100, blank=True, editable=False)
    rule = models.ForeignKey(FraudRule, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("rule"))
    last_alert = models.BigIntegerField(
        default=0, editable=False, help_text="Alerts up to this id have their deliveries, or are older than the channel."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ChannelDelivery(DeliveryBase):
    """One alert to a channel, or a test message."""

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="deliveries", db_index=False)
    alert_id = models.BigIntegerField(null=True, blank=True, help_text="Empty: a test message.")

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["channel", "alert_id"], name="channel_delivery_unique")]
        indexes = [
            models.Index(fields=["channel", "next_try_at"], condition=models.Q(status="pending"), name="channel_delivery_due"),
            models.Index(fields=["created_at"], name="channel_delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to channel {self.channel_id}"

    @property
    def message_id(self) -> str:
        """Differs from the ids of the webhooks of segments, which may have the same receiver."""
        return f"msg_alert_{self.pk}"
