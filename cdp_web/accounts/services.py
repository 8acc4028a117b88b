"""Creates users."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import transaction


@transaction.atomic
def admin_ensure(*, username: str, password: str) -> bool:
    """Create the first administrator; true if no user of that name existed. An existing user keeps the password."""
    if not password:
        raise ValueError("the administrator needs a password: set CDP_ADMIN_PASSWORD or CDP_ADMIN_PASSWORD_FILE.")
    user, created = get_user_model().objects.get_or_create(username=username, defaults={"is_staff": True, "is_superuser": True})
    if created:
        user.set_password(password)
        user.save()
    return created
