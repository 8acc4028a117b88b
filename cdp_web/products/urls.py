"""An id is whatever text the shop wrote, slashes included, so no other page has an address below products/."""

from __future__ import annotations

from django.urls import path

from cdp_web.products import views

app_name = "products"
urlpatterns = [path("products/<path:product_id>", views.product_detail, name="detail")]
