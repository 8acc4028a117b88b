from __future__ import annotations

from django.urls import path

from cdp_web.pipeline import views

app_name = "pipeline"
urlpatterns = [path("", views.index, name="index")]
