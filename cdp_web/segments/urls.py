from __future__ import annotations

from django.urls import path

from cdp_web.segments import builder, insight, list_pages, tabs, views
from cdp_web.segments.export import views as export
from cdp_web.segments.webhooks import views as webhooks

app_name = "segments"
urlpatterns = [
    path("", views.segment_list, name="list"),
    path("lists", list_pages.list_index, name="lists"),
    path("lists/new", list_pages.list_new, name="list-new"),
    path("lists/<int:list_id>", list_pages.list_detail, name="list-detail"),
    path("lists/<int:list_id>/change", list_pages.list_change, name="list-change"),
    path("lists/<int:list_id>/delete", list_pages.list_delete, name="list-delete"),
    path("lists/<int:list_id>/ids.csv", list_pages.list_download, name="list-download"),
    path("new", builder.segment_new, name="new"),
    path("<int:segment_id>", tabs.segment_detail, name="detail"),
    path("<int:segment_id>/members", tabs.segment_members, name="members"),
    path("<int:segment_id>/movement", tabs.segment_movement, name="movement"),
    path("<int:segment_id>/rule", tabs.segment_rule, name="rule"),
    path("<int:segment_id>/overlaps", tabs.segment_overlaps, name="overlaps"),
    path("<int:segment_id>/uses", tabs.segment_uses, name="uses"),
    path("<int:segment_id>/runs", tabs.segment_runs, name="runs"),
    path("<int:segment_id>/status", tabs.segment_status, name="status"),
    path("<int:segment_id>/edit", builder.segment_edit, name="edit"),
    path("<int:segment_id>/run", views.segment_run, name="run"),
    path("<int:segment_id>/runs/<int:run_id>/cancel", views.segment_run_cancel, name="run-cancel"),
    path("<int:segment_id>/archive", views.segment_archive, name="archive"),
    path("<int:segment_id>/restore", views.segment_restore, name="restore"),
    path("<int:segment_id>/export", export.export_page, name="export"),
    path("<int:segment_id>/export/file", export.export_file, name="export-file"),
    path("<int:segment_id>/export/recommendations", export.recommendations_file, name="export-recommendations"),
    path("<int:segment_id>/export/manifest", export.export_manifest, name="export-manifest"),
    path("webhooks", webhooks.webhook_list, name="webhooks"),
    path("webhooks/<int:webhook_id>", webhooks.webhook_detail, name="webhook"),
    path("webhooks/<int:webhook_id>/switch", webhooks.webhook_switch, name="webhook-switch"),
    path("webhooks/<int:webhook_id>/delete", webhooks.webhook_delete, name="webhook-delete"),
    path("webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/resend", webhooks.delivery_resend, name="delivery-resend"),
    path("<int:segment_id>/explain", insight.segment_explain_page, name="explain"),
    path("overlap", insight.segments_overlap_page, name="overlap"),
    path("<int:segment_id>/versions/<int:number>/revert", insight.segment_revert, name="revert"),
]
