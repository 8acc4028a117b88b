"""The forms of the account page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cdp_web.accounts.tokens import EXPIRY_DAYS


class StyledForm:
    """Gives the controls the classes of the site, and the texts that screen readers link to them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for field in self.fields.values():  # type: ignore[attr-defined]
            field.widget.attrs["class"] = "select" if isinstance(field.widget, forms.Select) else "input"


class ProfileForm(StyledForm, forms.ModelForm):
    class Meta:
        model = get_user_model()
        fields = ("first_name", "last_name", "email")


class TokenForm(StyledForm, forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What the token is for, such as “Nightly export”."))
    days = forms.TypedChoiceField(label=_("Expires after"), coerce=int, initial=90)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        choices = [(days, ngettext("%(days)s day", "%(days)s days", days) % {"days": days}) for days in EXPIRY_DAYS]
        self.fields["days"].choices = choices  # type: ignore[attr-defined]
