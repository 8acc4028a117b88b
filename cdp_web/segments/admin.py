"""Segments with their versions, runs, lists and webhooks. They are changed on the site, which checks what is changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cdp_web.layout.admin import ReadOnlyMixin
from cdp_web.segments.models import CustomerList, Segment, SegmentRun, SegmentVersion, Webhook, WebhookDelivery


class VersionInline(ReadOnlyMixin, admin.TabularInline):
    model = SegmentVersion
    fields = readonly_fields = ("number", "author", "created_at", "rule")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("author", "segment")


@admin.register(Segment)
class SegmentAdmin(ReadOnlyMixin, admin.ModelAdmin):
    """Segments are archived on the site and never deleted: their history stays, and their ids are never reused."""

    list_display = ("name", "version", "owner", "updated_at", "archived_at")
    list_filter = ("archived_at", "owner")
    list_select_related = ("owner",)
    search_fields = ("name", "description")
    fields = (
        "name", "description", "tags", "owner", "changed_by", "archived_at", "version", "revision", "rule", "current_run",
        "created_at", "updated_at",
    )  # fmt: skip
    inlines = (VersionInline,)

    def view_on_site(self, segment: Segment) -> str:
        return reverse("segments:detail", args=[segment.pk])


@admin.register(SegmentRun)
class SegmentRunAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ("id", "segment", "version", "publication_id", "day", "status", "count", "requested_at", "finished_at")
    list_filter = ("status", "engine", "day")
    search_fields = ("segment__name", "error")
    list_select_related = ("segment", "version__segment")
    ordering = ("-pk",)


@admin.register(CustomerList)
class CustomerListAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ("name", "count", "version", "owner", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("name",)
    fields = ("name", "owner", "count", "version", "report", "created_at", "updated_at")

    def view_on_site(self, customer_list: CustomerList) -> str:
        return reverse("segments:list-detail", args=[customer_list.pk])


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ("name", "url", "segment", "is_active", "failures", "created_by")
    list_filter = ("is_active",)
    list_select_related = ("segment", "created_by")
    search_fields = ("name", "url")
    fields = ("name", "url", "segment", "is_active", "failures", "disabled_reason", "created_by", "created_at")

    def view_on_site(self, webhook: Webhook) -> str:
        return reverse("segments:webhook", args=[webhook.pk])


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ("id", "webhook", "segment", "part", "status", "attempt", "response_status", "created_at", "sent_at")
    list_filter = ("status", "webhook")
    list_select_related = ("webhook", "run__segment")
    search_fields = ("webhook__name", "response_body")

    @admin.display(description=_("segment"))
    def segment(self, delivery: WebhookDelivery) -> str:
        return delivery.run.segment.name
