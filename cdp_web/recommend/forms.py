"""Forms of the administration: an arm with its share in percent, and all arms of an experiment together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp_web.recommend.models import PERCENT, Arm


class ArmForm(forms.ModelForm):
    percent = forms.DecimalField(
        label=gettext_lazy("share of all customers, in percent"), min_value=Decimal("0.01"), max_value=100, decimal_places=2
    )

    class Meta:
        model = Arm
        fields = ("name", "serves")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.instance.pk:
            self.initial["percent"] = self.instance.percent

    def _post_clean(self) -> None:
        if "percent" in self.cleaned_data:
            self.instance.share = int(self.cleaned_data["percent"] * PERCENT)
        super()._post_clean()


class ArmFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        forms_left = [form for form in self.forms if form.has_changed() or form.instance.pk]
        arms = [form.instance for form in forms_left if not form.cleaned_data.get("DELETE")]
        if len(arms) < 2:
            raise ValidationError(_("An experiment needs two arms or more. The first one is the control."))
        total = Decimal(sum(arm.share for arm in arms)) / PERCENT
        if total > 100:
            raise ValidationError(
                _("The arms have %(total)s %% of the customers together; 100 %% is the most."), params={"total": total}
            )
        for position, arm in enumerate(arms):
            arm.position = position
