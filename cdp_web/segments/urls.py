from __future__ import annotations

from django.urls import path

from cdp_web.segments import builder, insight, views

app_name = "segments"
urlpatterns = [
    path("", views.segment_list, name="list"),
    path("new", builder.segment_new, name="new"),
    path("<int:segment_id>", views.segment_detail, name="detail"),
    path("<int:segment_id>/result", views.segment_result, name="result"),
    path("<int:segment_id>/edit", builder.segment_edit, name="edit"),
    path("<int:segment_id>/run", views.segment_run, name="run"),
    path("<int:segment_id>/archive", views.segment_archive, name="archive"),
    path("<int:segment_id>/restore", views.segment_restore, name="restore"),
    path("<int:segment_id>/members.csv", views.segment_export, name="export"),
    path("<int:segment_id>/explain", insight.segment_explain_page, name="explain"),
    path("overlap", insight.segments_overlap_page, name="overlap"),
    path("<int:segment_id>/similar", insight.segment_similar, name="similar"),
    path("<int:segment_id>/history", insight.segment_history_page, name="history"),
    path("<int:segment_id>/versions", insight.segment_versions_page, name="versions"),
    path("<int:segment_id>/versions/<int:number>/revert", insight.segment_revert, name="revert"),
]
