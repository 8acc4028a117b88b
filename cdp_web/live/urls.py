from __future__ import annotations

from django.urls import path

from cdp_web.live import views

app_name = "live"
urlpatterns = [
    path("", views.index, name="index"),
    path("content", views.renewal, name="content"),
]
