"""Forms of the administration: a rule with the parameters of its kind, and a channel."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp.fraud import Parameter, RuleKind
from cdp_web.fraud.models import Channel, FraudRule
from cdp_web.fraud.words import LABELS
from cdp_web.outgoing.addresses import AddressRefused, target_read


class RuleForm(forms.ModelForm):
    """Subclasses of `make_rule_form` have a field for each parameter."""

    rule_kind: RuleKind

    class Meta:
        model = FraudRule
        fields = ("name", "is_active")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name, value in (self.instance.parameters or {}).items():
            if name in self.fields:
                self.initial.setdefault(name, value)

    @property
    def parameters(self) -> dict[str, Any]:
        """As they are stored."""
        values = {each.name: self.cleaned_data[each.name] for each in self.rule_kind.parameters}
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}

    def _post_clean(self) -> None:
        self.instance.kind = self.rule_kind.key
        if not self.errors:
            self.instance.parameters = self.parameters
        super()._post_clean()


def make_rule_form(kind: RuleKind) -> type[RuleForm]:
    fields = {parameter.name: _make_field(kind, parameter) for parameter in kind.parameters}
    return type("RuleForm", (RuleForm,), {"rule_kind": kind, **fields})


def _make_field(kind: RuleKind, parameter: Parameter) -> forms.Field:
    label, help_text = LABELS[kind.key, parameter.name]
    limits: dict[str, Any] = {"min_value": parameter.least, "max_value": parameter.most}
    common: dict[str, Any] = {"label": label, "help_text": help_text, "initial": parameter.default}
    if parameter.kind == "money":
        return forms.DecimalField(max_digits=12, decimal_places=2, **common, **limits)
    return forms.IntegerField(**common, **limits)


class ChannelForm(forms.ModelForm):
    class Meta:
        model = Channel
        fields = ("name", "kind", "url", "recipients", "rule", "is_active")
        labels = {"is_active": gettext_lazy("on")}
        help_texts = {
            "url": gettext_lazy("For a webhook, Slack and Discord: the address that gets the messages."),
            "recipients": gettext_lazy("For e-mail: addresses, separated by spaces."),
            "rule": gettext_lazy("Empty: the alerts of all rules."),
        }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        is_mail = values.get("kind") == Channel.Kind.EMAIL
        values["url" if is_mail else "recipients"] = ""
        try:
            if is_mail:
                values["recipients"] = _check_recipients(values.get("recipients", ""))
            elif "url" in values:
                target_read(values["url"])
        except (ValidationError, AddressRefused) as error:
            self.add_error("recipients" if is_mail else "url", error if isinstance(error, ValidationError) else str(error))
        return values


def _check_recipients(text: str) -> str:
    addresses = text.replace(",", " ").split()
    if not addresses:
        raise ValidationError(_("Name at least one e-mail address."))
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(_("%(text)s is not an e-mail address."), params={"text": address}) from None
    return " ".join(addresses)
