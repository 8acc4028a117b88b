"""Django's admin for the role admin: its users need neither the staff flag nor single permissions."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest

from cdp_web.accounts.roles import Role, role_get


class RoleAdminSite(AdminSite):
    login_form = AuthenticationForm  # Django's own admits the staff only

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) or (request.user.is_active and role_get(request.user) is Role.ADMIN)


class RoleBackend(BaseBackend):
    """Gives every permission to the role admin. Staff with single permissions keep those, by Django's ModelBackend."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return user_obj.is_active and role_get(user_obj) is Role.ADMIN

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return self.has_perm(user_obj, app_label)
