"""Creates users and sets their roles."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

from cdp_web.accounts.audit import audit_record
from cdp_web.accounts.roles import Role, read_role


@transaction.atomic
def admin_ensure(*, username: str, password: str) -> bool:
    """Create the first administrator, a superuser; true if no user of that name existed. An existing user stays unchanged."""
    if not password:
        raise ValueError("the administrator needs a password: set CDP_ADMIN_PASSWORD or CDP_ADMIN_PASSWORD_FILE.")
    user, created = get_user_model().objects.get_or_create(username=username, defaults={"is_staff": True, "is_superuser": True})
    if created:
        user.set_password(password)
        user.save()
    return created


@transaction.atomic
def user_set_role(*, user: Any, role: Role) -> None:
    """Give the user this role and take away the others. Superusers are admins whatever their role."""
    before = read_role(user)
    user.groups.remove(*Group.objects.filter(name__in=list(Role)))
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    if before is not role:
        audit_record("role change", user, changes={"role": (before, role)})
