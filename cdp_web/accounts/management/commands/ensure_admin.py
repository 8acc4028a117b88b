"""Creates the site's first administrator from the settings; does nothing if that user exists already."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdp.settings import current
from cdp_web.accounts.services import admin_ensure


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        settings = current()
        try:
            created = admin_ensure(username=settings.admin_user, password=settings.admin_password)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"administrator {settings.admin_user}: {'created' if created else 'exists already'}")
