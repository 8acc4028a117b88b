from __future__ import annotations

from django.urls import path

from cdp_web.pipeline import quarantine_views, replay_views, views

app_name = "pipeline"
urlpatterns = [
    path("", views.index, name="index"),
    path("live", views.live, name="live"),
    path("quarantine", quarantine_views.quarantine, name="quarantine"),
    path("replays", replay_views.replay_list, name="replays"),
    path("replays/new", replay_views.replay_new, name="replay-new"),
    path("replays/<int:replay_id>", replay_views.replay_detail, name="replay"),
    path("replays/<int:replay_id>/result", replay_views.replay_result, name="replay-result"),
    path("replays/<int:replay_id>/start", replay_views.replay_start, name="replay-start"),
]
