"""The roles of users, as Django groups, and the one check that pages and the API share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
#: The permission to see names and e-mail addresses of customers. Groups have it; admins always do.
PERSONAL_DATA = "accounts.see_personal_data"
_USER_ATTRIBUTE = "_cdp_role"
#: These check their users themselves: the API by its permission class, the admin by Django's permissions.
_OTHER_DOORS = ("api", "admin")
View = TypeVar("View", bound=Callable[..., Any])


class Role(StrEnum):
    """What a user may do. A later role includes the earlier ones; each is the name of a group."""

    VIEWER = "viewer"  # reads
    ANALYST = "analyst"  # creates, changes, runs and exports
    ADMIN = "admin"  # everything, Django's admin included

    def includes(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)

    @property
    def may_change(self) -> bool:
        return self.includes(Role.ANALYST)

    @property
    def is_admin(self) -> bool:
        return self is Role.ADMIN


_RIGHTS = (
    (Role.VIEWER, gettext_lazy("read every page and the API, and count a rule without saving it")),
    (Role.VIEWER, gettext_lazy("make tokens for the API; a token has your role")),
    (Role.ANALYST, gettext_lazy("create, change, run, archive and export segments, and upload lists")),
    (Role.ANALYST, gettext_lazy("confirm and dismiss alerts")),
    (Role.ADMIN, gettext_lazy("change fraud rules and the channels of alerts")),
    (Role.ADMIN, gettext_lazy("plan, switch on and stop experiments")),
    (Role.ADMIN, gettext_lazy("manage webhooks, users and roles, and read the audit log")),
)

#: A role for all methods of a view, or by method.
Requirement = Role | Mapping[str, Role] | None


def role_get(user: Any) -> Role | None:
    """The user's greatest role; None without a login. A user without a group is a viewer. Read once for a request."""
    if user is None or not user.is_authenticated:
        return None
    if not hasattr(user, _USER_ATTRIBUTE):
        setattr(user, _USER_ATTRIBUTE, read_role(user))
    role: Role = getattr(user, _USER_ATTRIBUTE)
    return role


def read_role(user: Any) -> Role:
    """As above from the database, for a user who is logged in."""
    names = () if user.is_superuser else user.groups.filter(name__in=list(Role)).values_list("name", flat=True)
    return find_greatest(user, names)


def find_greatest(user: Any, group_names: Iterable[str]) -> Role:
    names = set(group_names)
    return Role.ADMIN if user.is_superuser else next((role for role in reversed(Role) if role in names), Role.VIEWER)


def may_see_personal_data(user: Any) -> bool:
    """Whether pages, files and the API may show this user the names and e-mail addresses of customers."""
    return user is not None and user.is_authenticated and user.has_perm(PERSONAL_DATA)


def require_personal_data(user: Any) -> None:
    """Raises PermissionDenied unless the user may see personal data."""
    if not may_see_personal_data(user):
        raise PermissionDenied(_("You may not see names and e-mail addresses of customers. An administrator can permit it."))


def find_required_role(method: str, requirement: Requirement) -> Role:
    """What a view requires for a method. A view that says nothing lets viewers read and analysts do the rest."""
    default = Role.VIEWER if method in SAFE_METHODS else Role.ANALYST
    if isinstance(requirement, Mapping):
        return requirement.get(method, default)
    return requirement or default


def describe_refusal(required: Role) -> str:
    return _("This needs the role %(role)s. An administrator can give it to you.") % {"role": required}


def describe_rights(role: Role | None, *, sees_people: bool = False) -> list[str]:
    """What a role may do, as sentences without a subject; `sees_people` is the permission to see personal data."""
    rights = [str(right) for each, right in _RIGHTS if role is not None and role.includes(each)]
    return [*rights, _("see names and e-mail addresses of customers")] if sees_people else rights


def require_role(requirement: Requirement) -> Callable[[View], View]:
    """Decorator: what a page requires where the default does not fit. RoleMiddleware does the check."""

    def decorate(view: View) -> View:
        view.required_role = requirement  # type: ignore[attr-defined]
        return view

    return decorate


class RoleMiddleware:
    """Refuses a page to users whose role does not include the required one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if match is None or match.app_names[:1] in ([door] for door in _OTHER_DOORS):
            return
        role = role_get(request.user)
        required = find_required_role(request.method or "", getattr(view, "required_role", None))
        if role is not None and not role.includes(required):
            raise PermissionDenied(describe_refusal(required))


def add_role(request: HttpRequest) -> dict[str, Any]:
    """Template context: the user's role, read only by templates that use it."""
    return {"role": lambda: role_get(getattr(request, "user", None))}
