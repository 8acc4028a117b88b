"""How many requests a user may send: in a minute, in a second, and for previews. The state is in Redis, so the rates hold for all
workers together."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.cache import caches
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

from cdp.errors import first_line

logger = logging.getLogger(__name__)


class UserThrottle(UserRateThrottle):
    """Lets requests pass while Redis is away: a site without its throttle is better than no site."""

    scope = "user"

    def __init__(self) -> None:
        self.cache = caches["throttle"]
        super().__init__()

    def get_rate(self) -> str:
        return str(settings.API_RATES[self.scope])

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            logger.warning("requests are not throttled, for Redis does not answer: %s", first_line(error))
            return True


class BurstThrottle(UserThrottle):
    scope = "burst"


class PreviewThrottle(UserThrottle):
    scope = "preview"
