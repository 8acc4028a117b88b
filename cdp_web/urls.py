"""All addresses of the site: one line per app."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST
from django.views.i18n import JavaScriptCatalog, set_language

from cdp_web.accounts.roles import Role, View, require_role


def open_to_all(view: View) -> View:
    """Without a login, and for every role, whatever the method."""
    return login_not_required(require_role(Role.VIEWER)(view))


urlpatterns = [
    path("", include("cdp_web.serving.urls")),
    path("", include("cdp_web.overview.urls")),
    path("live/", include("cdp_web.live.urls")),
    path("insights/", include("cdp_web.insights.urls")),
    path("pipeline/", include("cdp_web.pipeline.urls")),
    path("", include("cdp_web.customers.urls")),
    path("segments/", include("cdp_web.segments.urls")),
    path("fraud/", include("cdp_web.fraud.urls")),
    path("recommendations/", include("cdp_web.recommend.urls")),
    path("", include("cdp_web.products.urls")),
    path("api/", include("cdp_web.api.urls")),
    path("accounts/", include("cdp_web.accounts.urls")),
    path("language", open_to_all(require_POST(set_language)), name="set-language"),
    path("texts.js", open_to_all(cache_control(max_age=3600)(JavaScriptCatalog.as_view())), name="texts"),
    path("admin/", admin.site.urls),
]
handler400 = "cdp_web.serving.faults.show_bad_request"
handler500 = "cdp_web.serving.faults.show_fault"
