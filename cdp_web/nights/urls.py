from __future__ import annotations

from django.urls import path

from cdp_web.nights import views

app_name = "nights"
urlpatterns = [
    path("", views.night_list, name="list"),
    path("<int:run_id>", views.night_detail, name="detail"),
]
