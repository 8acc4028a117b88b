"""Tokens of the API. A token is stored as a hash, so its text is shown only when it is made."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy
from knox.models import AbstractAuthToken
from knox.settings import CONSTANTS


class ApiToken(AbstractAuthToken):
    """A token of a user; it has the role of the user."""

    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH, unique=True)
    name = models.CharField(max_length=80, help_text="What the token is for.")

    class Meta:
        ordering = ["-created"]
        verbose_name = gettext_lazy("API token")
        verbose_name_plural = gettext_lazy("API tokens")

    def __str__(self) -> str:
        return self.name


class PersonalData(models.Model):
    """Has no table: it carries the permission that is not about a model of ours."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [("see_personal_data", gettext_lazy("See names and e-mail addresses of customers"))]
