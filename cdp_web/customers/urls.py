from __future__ import annotations

from django.urls import path

from cdp_web.customers import views

app_name = "customers"
urlpatterns = [
    path("", views.customer_list, name="list"),
    # `path` because an id is whatever text the shop wrote, including slashes.
    path("<path:customer_id>", views.customer_detail, name="detail"),
]
