"""The app of users. Its receivers record logins."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "cdp_web.accounts"

    def ready(self) -> None:
        from cdp_web.accounts import audit

        audit.connect_receivers()
