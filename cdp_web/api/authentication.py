"""Logins of programs: a token in the header, `Authorization: Token …`."""

from __future__ import annotations

import re
from typing import Any

from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

_TOKEN = re.compile(rb"\w{1,100}", re.ASCII)


class ApiTokenAuthentication(TokenAuthentication):
    """Refuses text that can't be a token; the library would fail at some of it."""

    def authenticate_credentials(self, token: bytes) -> Any:
        if not _TOKEN.fullmatch(token):
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)
