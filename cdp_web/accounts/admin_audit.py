"""The audit log in the admin: read only, searched by person and object, filtered by day and kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from auditlog.models import LogEntry
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cdp_web.layout import formats
from cdp_web.layout.admin import ReadOnlyMixin

_SHOWN = 60
admin.site.unregister(LogEntry)


class EventFilter(admin.SimpleListFilter):
    title = _("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        events = LogEntry.objects.filter(additional_data__isnull=False).values_list("additional_data__event", flat=True)
        actions = [(str(action), name) for action, name in LogEntry.Action.choices if action != LogEntry.Action.ACCESS]
        return actions + [(event, event) for event in sorted(set(events.order_by().distinct()) - {None})]

    def queryset(self, request: HttpRequest, entries: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        value = self.value()
        if value is None:
            return entries
        if value.isdigit():
            return entries.filter(action=int(value), additional_data__isnull=True)
        return entries.filter(additional_data__event=value)


@admin.register(LogEntry)
class AuditAdmin(ReadOnlyMixin, admin.ModelAdmin):
    date_hierarchy = "timestamp"
    list_display = ("time", "person", "event", "kind", "object_repr", "summary", "remote_addr")
    list_filter = (EventFilter, ("content_type", admin.RelatedOnlyFieldListFilter), ("actor", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("content_type", "actor")
    list_per_page = 50
    search_fields = ("object_repr", "actor__username", "actor__email", "remote_addr")
    search_help_text = _("Search by person, object or address; choose a day above the list.")
    fields = ("time", "person", "remote_addr", "event", "kind", "object_repr", "changes_table", "details")

    @admin.display(description=_("when"), ordering="timestamp")
    def time(self, entry: LogEntry) -> str:
        return formats.moment(entry.timestamp)

    @admin.display(description=_("who"), ordering="actor__username")
    def person(self, entry: LogEntry) -> str:
        return entry.actor.get_username() if entry.actor else "–"

    @admin.display(description=_("event"))
    def event(self, entry: LogEntry) -> str:
        return (entry.additional_data or {}).get("event") or entry.get_action_display()

    @admin.display(description=_("kind"))
    def kind(self, entry: LogEntry) -> str:
        return entry.content_type.name

    @admin.display(description=_("changes"))
    def summary(self, entry: LogEntry) -> str:
        if entry.action == LogEntry.Action.DELETE:
            return ""
        return "; ".join(f"{name}: {_cut(before)} → {_cut(after)}" for name, before, after in list_changes(entry))

    @admin.display(description=_("before and after"))
    def changes_table(self, entry: LogEntry) -> SafeString | str:
        rows = format_html_join("", "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>", list_changes(entry))
        if not rows:
            return "–"
        head = (_("field"), _("before"), _("after"))
        return format_html(
            "<table><thead><tr><th>{}</th><th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table>", *head, rows
        )

    @admin.display(description=_("details"))
    def details(self, entry: LogEntry) -> str:
        details = {key: value for key, value in (entry.additional_data or {}).items() if key != "event"}
        return json.dumps(details, ensure_ascii=False) if details else "–"


def list_changes(entry: LogEntry) -> Iterator[tuple[str, str, str]]:
    """Each field with its values before and after; sets of related objects as what came or went."""
    for name, change in sorted(entry.changes_dict.items()):
        if isinstance(change, dict):
            values = ", ".join(change["objects"])
            yield (name, "–", values) if change["operation"] == "add" else (name, values, "–")
        else:
            before, after = ("–" if value in (None, "None", "") else str(value) for value in change)
            yield name, before, after


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
