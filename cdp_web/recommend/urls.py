from __future__ import annotations

from django.urls import path

from cdp_web.recommend import views

app_name = "recommend"
urlpatterns = [
    path("", views.index, name="index"),
    path("experiments/<slug:key>", views.experiment_detail, name="experiment"),
]
