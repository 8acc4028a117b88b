"""The health address, and the pages of the nights in a namespace of their own, which marks their section of the navigation."""

from __future__ import annotations

from django.urls import include, path

from cdp_web.serving import views

NIGHTS = [
    path("", views.night_list, name="list"),
    path("<int:run_id>", views.night_detail, name="detail"),
    path("<int:run_id>/again", views.night_again, name="again"),
]
urlpatterns = [
    path("health", views.health, name="health"),
    path("nights/", include((NIGHTS, "nights"))),
]
