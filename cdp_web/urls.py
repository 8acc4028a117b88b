"""All addresses of the site: one line per app."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("cdp_web.serving.urls")),
    path("", include("cdp_web.overview.urls")),
    path("customers/", include("cdp_web.customers.urls")),
    path("segments/", include("cdp_web.segments.urls")),
    path("api/", include("cdp_web.api.urls")),
    path("accounts/", include("cdp_web.accounts.urls")),
    path("admin/", admin.site.urls),
]
handler500 = "cdp_web.serving.faults.show_fault"
