"""Tables of the customer list."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _

#: An address that a browser and the site's server take.
MAX_PARAMETERS = 3500


class SavedView(models.Model):
    """A filter, columns and an order of the customer list under a name. Shared ones appear for every user."""

    name = models.CharField(max_length=80)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="customer_views")
    parameters = models.TextField(validators=[MaxLengthValidator(MAX_PARAMETERS)], blank=True, help_text="Of the list's address.")
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = gettext_lazy("saved view")
        verbose_name_plural = gettext_lazy("saved views")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                "owner",
                Lower("name"),
                name="saved_view_name_unique",
                violation_error_message=_("You already have a view with this name. Choose another name."),
            )
        ]

    def __str__(self) -> str:
        return self.name
