"""Saved views in Django's admin; users change them on the site."""

from __future__ import annotations

from django.contrib import admin

from cdp_web.customers.models import SavedView
from cdp_web.layout.admin import ReadOnlyMixin


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ("name", "owner", "is_shared")
    list_filter = ("is_shared",)
    search_fields = ("name", "owner__username")
