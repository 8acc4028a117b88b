from __future__ import annotations

from django.urls import path

from cdp_web.insights import views

app_name = "insights"
urlpatterns = [
    path("products", views.products, name="products"),
    path("audience", views.audience, name="audience"),
    path("retention", views.retention, name="retention"),
]
