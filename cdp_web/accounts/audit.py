"""The audit log: who did what, when and from where. Saved models are recorded by django-auditlog, as the settings list them;
everything else by `audit_record`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditlog.middleware import AuditlogMiddleware
from auditlog.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from cdp_web.accounts.addresses import get_client_address

#: A user name that nobody has is not recorded: it may be a password that was typed into the wrong field.
UNKNOWN_USER = "unknown user"


class AuditMiddleware(AuditlogMiddleware):
    """Names the user who is logged in when an entry is written, which for a token is later than the request's start."""

    @staticmethod
    def _get_actor(request: HttpRequest) -> Any:
        return SimpleLazyObject(lambda: request.user)

    @staticmethod
    def _get_remote_addr(request: HttpRequest) -> str | None:
        return get_client_address(request)

    @staticmethod
    def _get_remote_port(request: HttpRequest) -> None:
        return None


def audit_record(
    event: str,
    subject: Model | str,
    *,
    details: Mapping[str, Any] | None = None,
    changes: Mapping[str, tuple[str, str]] | None = None,
    actor: Any = None,
) -> LogEntry:
    """Record an event that is not the change of a model. The middleware adds the user, if there is no actor, and the address."""
    instance = subject if isinstance(subject, Model) else None
    content_type = ContentType.objects.get_for_model(instance._meta.model if instance else get_user_model())
    entry: LogEntry = LogEntry.objects.create(
        content_type=content_type,
        object_pk=str(instance.pk) if instance else "",
        object_id=instance.pk if instance and isinstance(instance.pk, int) else None,
        object_repr=str(subject),
        action=LogEntry.Action.UPDATE if changes else LogEntry.Action.ACCESS,
        changes={name: list(values) for name, values in changes.items()} if changes else None,
        additional_data={"event": event, **(details or {})},
        actor=actor,
    )
    return entry


def hide(value: str) -> str:
    """A value in the log that shows only that it has changed."""
    return "•••" if value and value != "None" else ""


def connect_receivers() -> None:
    user_logged_in.connect(_record_login, dispatch_uid="audit")
    user_logged_out.connect(_record_logout, dispatch_uid="audit")
    user_login_failed.connect(_record_failed_login, dispatch_uid="audit")


def _record_login(sender: Any, user: Any, **_: Any) -> None:
    audit_record("login", user, actor=user)


def _record_logout(sender: Any, user: Any, **_: Any) -> None:
    if user is not None:
        audit_record("logout", user, actor=user)


def _record_failed_login(sender: Any, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Once a login is locked, its further tries are not recorded, so that they can't fill the log."""
    if getattr(request, "axes_locked_out", False):
        return
    name = credentials.get("username") or ""
    user = get_user_model().objects.filter(username=name).first()
    audit_record("failed login", user or UNKNOWN_USER)
