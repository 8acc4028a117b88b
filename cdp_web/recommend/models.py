"""Experiments: which arm serves what to which share of the customers. The recommendation API reads these tables
(cdp/recommend/experiments.py), and the night computes the results."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cdp.mart.recommend import EXPOSURE
from cdp.recommend.experiments import ARM_TABLE, BUCKETS, EXPERIMENT_TABLE
from cdp_web.serving.tables import read_rows

#: Of an arm's share.
PERCENT = BUCKETS // 100
SERVES_TITLES = {
    "champion": _("the model that serves everybody"),
    "popular": _("popular products"),
    "popular-in-category": _("popular in the customer's categories"),
    "als": _("factors (ALS)"),
    "seen-together": _("seen together"),
    "alike": _("alike products"),
}
#: States of an experiment.
OFF, PLANNED, RUNNING, ENDED = "off", "planned", "running", "ended"
STATE_TITLES = {OFF: _("switched off"), PLANNED: _("planned"), RUNNING: _("running"), ENDED: _("ended")}


class Experiment(models.Model):
    """A comparison of arms. The first arm is the control."""

    class Metric(models.TextChoices):
        CTR = "ctr", _("clicks on lists that were seen")
        REVENUE = "revenue", _("revenue of a customer")

    key = models.SlugField(
        _("key"), max_length=60, unique=True,
        help_text=_("Names the experiment in messages and decides who is in which arm. It can't be used for another experiment."),
    )  # fmt: skip
    name = models.CharField(_("name"), max_length=120)
    place = models.SlugField(
        _("place"), max_length=40, blank=True, help_text=_("The kind of page, such as home, product or cart. Empty: all pages.")
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"), help_text=_("The experiment is decided on this day, by the metric below."))
    is_active = models.BooleanField(_("on"), default=False)
    metric = models.CharField(_("decided by"), max_length=10, choices=Metric.choices, default=Metric.CTR)
    planned_effect = models.PositiveSmallIntegerField(
        _("smallest effect of interest, in percent"), default=20,
        validators=[MinValueValidator(1), MaxValueValidator(500)],
        help_text=_("Of the control's value. A smaller effect needs more customers to be found."),
    )  # fmt: skip
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = EXPERIMENT_TABLE
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="recommend_experiment_ends")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        now = timezone.now()
        if self.ends_at <= now:
            return ENDED
        if not self.is_active:
            return OFF
        return RUNNING if self.starts_at <= now else PLANNED

    @property
    def has_begun(self) -> bool:
        """Customers may have seen its lists, so a change of its arms would mix two experiments."""
        stored = Experiment.objects.filter(pk=self.pk).first()
        return stored is not None and (stored.state == RUNNING or has_exposures(stored.key))

    def clean(self) -> None:
        if self.starts_at and self.ends_at:
            if self.ends_at <= self.starts_at:
                raise ValidationError({"ends_at": _("An experiment must end after it starts.")})
            self._require_free_place(self.starts_at, self.ends_at)

    def _require_free_place(self, starts_at: datetime, ends_at: datetime) -> None:
        """A list can be part of one experiment only."""
        others = Experiment.objects.filter(is_active=True, starts_at__lt=ends_at, ends_at__gt=starts_at).exclude(pk=self.pk)
        if self.place:
            others = others.filter(place__in=("", self.place))
        if self.is_active and (other := others.first()):
            message = _("The experiment “%(name)s” runs on the same pages at this time. Choose another time or place.")
            raise ValidationError(message, params={"name": other.name})


class Arm(models.Model):
    """A share of the customers, and what they get."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="arms")
    name = models.SlugField(_("name"), max_length=40)
    serves = models.CharField(_("serves"), max_length=30, choices=SERVES_TITLES.items())
    share = models.PositiveIntegerField(
        _("share"), validators=[MinValueValidator(1), MaxValueValidator(BUCKETS)], help_text="In hundredths of a percent."
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="The first one is the control.")

    class Meta:
        db_table = ARM_TABLE
        verbose_name = _("arm")
        verbose_name_plural = _("arms")
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["experiment", "name"], name="recommend_arm_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def percent(self) -> Decimal:
        return Decimal(self.share) / PERCENT


def has_exposures(key: str) -> bool:
    """Whether a list of the experiment was ever served."""
    return bool(read_rows(EXPOSURE, f"SELECT FROM {EXPOSURE.full_name} WHERE experiment = %s LIMIT 1", key))
