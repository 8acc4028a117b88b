"""Django's admin for the role admin, whose users need neither the staff flag nor single permissions. The login is the site's."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from cdp_web.accounts.roles import Role, describe_refusal, role_get

_APPS = {
    "auth": _("Users and groups"),
    "accounts": _("API"),
    "axes": _("Logins"),
    "auditlog": _("Audit"),
    "segments": _("Segments, lists and webhooks"),
    "fraud": _("Fraud"),
    "recommend": _("Recommendations"),
    "customers": _("Customers"),
}
_MODELS = {
    "AccessAttempt": _("Wrong passwords and locked logins"),
    "LogEntry": _("Audit log"),
    "ApiToken": _("Tokens"),
    "WebhookDelivery": _("Webhook deliveries"),
    "Channel": _("Channels of alerts"),
    "ChannelDelivery": _("Deliveries of alerts"),
}


class RoleAdminSite(AdminSite):
    site_title = site_header = _("CDP administration")
    index_title = _("Administration")
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) or (request.user.is_active and role_get(request.user) is Role.ADMIN)

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        """Refuses users without the role instead of asking them to log in again."""
        inner = super().admin_view(view, cacheable)

        def check(request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied(describe_refusal(Role.ADMIN))
            return inner(request, *arguments, **options)

        return update_wrapper(check, inner)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The models under plain names; what concerns users comes first."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["name"] = _APPS.get(app["app_label"], app["name"])
            for model in app["models"]:
                model["name"] = _MODELS.get(model["object_name"], model["name"])
        order = list(_APPS)
        return sorted(apps, key=lambda app: order.index(app["app_label"]) if app["app_label"] in order else len(order))

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect_to_login(request.GET.get("next") or "/admin/")


class RoleBackend(BaseBackend):
    """Gives every permission to the role admin. Staff with single permissions keep those, by Django's ModelBackend."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return user_obj.is_active and role_get(user_obj) is Role.ADMIN

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return self.has_perm(user_obj, app_label)
