"""The form of a replay, and the options of ./run replay that it makes. docs/replay.md describes them."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp.days import day_from_text
from cdp.events import FIELD_NAMES, REASONS
from cdp.events.repairs import BOUND_LIMITS, DAY_BOUND, FIRST_DAY, LAST_DAY, NULL

#: Repairs that one form takes.
REPAIRS = 4
MAX_TEXT = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
REPAIR_KINDS = (
    ("", gettext_lazy("no repair")),
    ("map", gettext_lazy("replace a value")),
    ("set-default", gettext_lazy("fill if empty")),
    ("set", gettext_lazy("set for all")),
)
BOUND_TITLES = {
    "MAX_TEXT": gettext_lazy("Longest text"),
    "MAX_QUANTITY": gettext_lazy("Largest quantity"),
    "MAX_AHEAD_HOURS": gettext_lazy("Hours that a time may lie ahead"),
    DAY_BOUND: gettext_lazy("Earliest day of an event"),
}
_FIELDS = [(name, name) for name in FIELD_NAMES]


class RepairForm(forms.Form):
    """One repair: what to do with which field."""

    kind = forms.ChoiceField(choices=REPAIR_KINDS, required=False, label=gettext_lazy("Repair"))
    field = forms.ChoiceField(choices=[("", "–"), *_FIELDS], required=False, label=gettext_lazy("Field"))
    old = forms.CharField(max_length=MAX_TEXT, required=False, label=gettext_lazy("Old value"))
    value = forms.CharField(max_length=MAX_TEXT, required=False, label=gettext_lazy("New value"))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        kind, field, old, value = (values.get(name, "") for name in ("kind", "field", "old", "value"))
        if not kind:
            return values
        if not field:
            self.add_error("field", _("Choose a field."))
        if not value:
            self.add_error("value", _("Enter a value; null removes it."))
        if kind == "map" and not old:
            self.add_error("old", _("Enter the value to replace."))
        if kind == "set-default" and value == NULL:
            self.add_error("value", _("An empty field can't be filled with null."))
        if field == "event_id" and kind != "map" and value != NULL:
            self.add_error("field", _("All messages can't get the same event_id: only one of them would count."))
        if _CONTROL.search(old + value):
            self.add_error("value", _("Control characters can't be used."))
        return values

    @property
    def option(self) -> tuple[str, str] | None:
        values = self.cleaned_data
        if not values.get("kind"):
            return None
        target = f"{values['field']}:{values['old']}" if values["kind"] == "map" else values["field"]
        return values["kind"], f"{target}={values['value']}"


class ReplayForm(forms.Form):
    """Which messages to parse again, and within which bounds."""

    reasons = forms.MultipleChoiceField(
        choices=[(reason.code, reason.code) for reason in REASONS], required=False, label=gettext_lazy("Reasons")
    )
    fields_refused = forms.MultipleChoiceField(choices=_FIELDS, required=False, label=gettext_lazy("Fields"))
    first = forms.DateField(required=False, label=gettext_lazy("Received from"))
    last = forms.DateField(required=False, label=gettext_lazy("Received until"))

    def __init__(self, *arguments: Any, **values: Any) -> None:
        super().__init__(*arguments, **values)
        for name, (least, most) in BOUND_LIMITS.items():
            self.fields[name] = forms.IntegerField(min_value=least, max_value=most, required=False, label=BOUND_TITLES[name])
        self.fields[DAY_BOUND] = forms.DateField(required=False, label=BOUND_TITLES[DAY_BOUND])

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        first, last, earliest = (values.get(name) for name in ("first", "last", DAY_BOUND))
        if first and last and last < first:
            self.add_error("last", _("The last day is before the first."))
        if earliest and not day_from_text(FIRST_DAY) <= earliest <= day_from_text(LAST_DAY):
            self.add_error(DAY_BOUND, _("Choose a day from %(first)s to %(last)s.") % {"first": FIRST_DAY, "last": LAST_DAY})
        return values

    @property
    def bound_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in (*BOUND_LIMITS, DAY_BOUND)]


RepairFormSet = forms.formset_factory(RepairForm, extra=REPAIRS, max_num=REPAIRS, validate_max=True, absolute_max=REPAIRS)


def find_repeated(repairs: list[RepairForm]) -> RepairForm | None:
    """A repair that names the same field, or the same value of it, as an earlier one."""
    seen: set[tuple[str, str, str]] = set()
    for repair in repairs:
        values = repair.cleaned_data
        key = (values.get("kind", ""), values.get("field", ""), values.get("old", "") if values.get("kind") == "map" else "")
        if key[0] and key in seen:
            return repair
        seen.add(key)
    return None


def build_options(values: dict[str, Any], repairs: list[RepairForm]) -> list[str]:
    """The words of the command line, in a fixed order."""
    options: list[str] = []
    for option, name in (("--reason", "reasons"), ("--field", "fields_refused")):
        options += [option, *values[name]] if values[name] else []
    for option, name in (("--from", "first"), ("--to", "last")):
        options += [option, values[name].isoformat()] if values[name] else []
    for repair in repairs:
        if repair.option:
            options += [f"--{repair.option[0]}", repair.option[1]]
    for name in (*BOUND_LIMITS, DAY_BOUND):
        if values[name] is not None:
            options += ["--bound", f"{name}={values[name]}"]
    return options
