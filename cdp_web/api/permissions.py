"""Who may call an endpoint: the roles of cdp_web/accounts, by method and by the view's `required_role`."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from cdp_web.accounts.roles import describe_refusal, find_required_role, role_get


class RolePermission(BasePermission):
    """Viewers read and analysts do the rest, unless the view sets `required_role` to a role, or to roles by method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        required = find_required_role(request.method or "", getattr(view, "required_role", None))
        self.message = describe_refusal(required)
        role = role_get(request.user)
        return role is not None and role.includes(required)
