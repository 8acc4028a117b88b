"""Experiments in the administration."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cdp_web.recommend.forms import ArmForm, ArmFormSet
from cdp_web.recommend.models import STATE_TITLES, Arm, Experiment
from cdp_web.recommend.planning import describe_needed

#: What may change after the first list was served.
CHANGEABLE = ("name", "is_active")
FIELDS = ("key", "name", "place", "starts_at", "ends_at", "metric", "planned_effect", "is_active")


class ArmInline(admin.TabularInline):
    model = Arm
    form = ArmForm
    formset = ArmFormSet
    extra = 2
    max_num = 10

    def has_add_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_add_permission(request, obj) and not _has_begun(obj)

    def has_change_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _has_begun(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _has_begun(obj)


@admin.register(Experiment)
class ExperimentAdmin(admin.ModelAdmin):
    inlines = (ArmInline,)
    list_display = ("name", "key", "place", "starts_at", "ends_at", "state_title", "metric")
    list_filter = ("is_active", "place")
    search_fields = ("name", "key")

    def get_fieldsets(self, request: HttpRequest, obj: Experiment | None = None) -> Any:
        about = _("Lists of this experiment were served. You can rename it and stop it; for other arms or times, make a new one.")
        fields = (*FIELDS, "customers_needed") if obj else FIELDS
        return [(None, {"fields": fields, "description": about if _has_begun(obj) else ""})]

    def get_readonly_fields(self, request: HttpRequest, obj: Experiment | None = None) -> Any:
        locked = [name for name in FIELDS if name not in CHANGEABLE] if _has_begun(obj) else []
        return [*locked, "customers_needed"]

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        """Its exposures and results keep its key."""
        return super().has_delete_permission(request, obj) and not _has_begun(obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Deleting several at once would not look at each."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request: HttpRequest, obj: Experiment, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description=_("state"))
    def state_title(self, experiment: Experiment) -> str:
        return str(STATE_TITLES[experiment.state])

    @admin.display(description=_("customers needed"))
    def customers_needed(self, experiment: Experiment) -> str:
        return describe_needed(experiment)


def _has_begun(experiment: Experiment | None) -> bool:
    return experiment is not None and experiment.has_begun
