"""Makes and revokes the tokens of the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _

from cdp_web.accounts.models import ApiToken

#: Days after which a token may expire.
EXPIRY_DAYS = (7, 30, 90, 365)
MAX_TOKENS = 20


def token_create(*, user: Any, name: str, days: int) -> tuple[ApiToken, str]:
    """The token and its text, which can't be read again later."""
    if ApiToken.objects.filter(user=user).count() >= MAX_TOKENS:
        message = _("You have %(count)s tokens already; revoke one that you do not need.") % {"count": MAX_TOKENS}
        raise ValidationError({NON_FIELD_ERRORS: message})
    token, text = ApiToken.objects.create(user=user, name=name, expiry=timedelta(days=days))
    return token, text


def token_revoke(*, user: Any, token_id: int) -> bool:
    """False if the user has no such token."""
    token = ApiToken.objects.filter(user=user, pk=token_id).first()
    if token is None:
        return False
    token.delete()
    return True
