"""An id is whatever text the shop wrote, slashes included, so no other page has an address below customers/."""

from __future__ import annotations

from django.urls import path

from cdp_web.customers import customer_page, export, finding, list_page, view_pages

app_name = "customers"
urlpatterns = [
    path("customers/", list_page.customer_list, name="list"),
    path("customers/<path:customer_id>", customer_page.customer_detail, name="detail"),
    path("customer-search", finding.customer_find, name="find"),
    path("customer-export", export.customer_export, name="export"),
    path("customer-views/", view_pages.view_list, name="views"),
    path("customer-views/new", view_pages.view_create, name="view-create"),
    path("customer-views/<int:view_id>", view_pages.view_change, name="view-change"),
    path("customer-views/<int:view_id>/delete", view_pages.view_delete, name="view-delete"),
]
