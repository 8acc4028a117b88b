"""Segments and their runs in the admin. Rules are edited on the site, which checks them; runs are read-only."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from cdp_web.segments.models import Segment, SegmentRun


@admin.register(Segment)
class SegmentAdmin(admin.ModelAdmin):
    list_display = ("name", "version", "owner", "updated_at", "archived_at")
    list_filter = ("archived_at", "owner")
    search_fields = ("name", "description")
    fields = (
        "name", "description", "owner", "archived_at", "tags", "version", "revision", "rule", "current_run", "created_at",
        "updated_at",
    )  # fmt: skip
    readonly_fields = ("tags", "version", "revision", "rule", "current_run", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Segment | None = None) -> bool:
        return False  # segments are archived instead: their history stays, and their ids are never reused


@admin.register(SegmentRun)
class SegmentRunAdmin(admin.ModelAdmin):
    list_display = ("id", "segment", "version", "publication_id", "day", "status", "count", "requested_at", "finished_at")
    list_filter = ("status", "day")
    search_fields = ("segment__name", "error")
    list_select_related = ("segment", "version__segment")
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SegmentRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SegmentRun | None = None) -> bool:
        return False
