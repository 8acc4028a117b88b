from __future__ import annotations

from django.urls import path

from cdp_web.fraud import views

app_name = "fraud"
urlpatterns = [
    path("", views.alert_list, name="alerts"),
    path("decide", views.alerts_decide_many, name="decide-many"),
    path("export", views.alerts_export, name="export"),
    path("<int:alert_id>", views.alert_detail, name="alert"),
    path("<int:alert_id>/decide", views.alert_decide, name="decide"),
]
