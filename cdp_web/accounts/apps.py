"""The app of users. Its receivers record logins and the start of sessions."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "cdp_web.accounts"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from cdp_web.accounts import audit, sessions

        audit.connect_receivers()
        user_logged_in.connect(sessions.note_start, dispatch_uid="sessions")
