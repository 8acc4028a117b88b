from __future__ import annotations

from django.urls import path

from cdp_web.operations import views

app_name = "operations"
urlpatterns = [path("health", views.health, name="health")]
