"""What a customer is interested in right now, from Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import redis
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from redis.backoff import NoBackoff
from redis.retry import Retry

from cdp.errors import first_line
from cdp.interests import KINDS, Interest, read_interests
from cdp.settings import current
from cdp_web.names.selectors import Names, names_get
from cdp_web.serving.errors import InterestsUnavailable

#: A page waits only a moment for Redis.
SECONDS = 0.3
#: Interests of one kind on the customer's page.
SHOWN = 5
_TITLES: Mapping[str, str | Promise] = {
    "product": gettext_lazy("Products"),
    "category": gettext_lazy("Categories"),
    "brand": gettext_lazy("Brands"),
}


@dataclass(frozen=True, slots=True)
class InterestBar:
    """An interest beside the strongest one of its kind."""

    interest: Interest
    share: float


@dataclass(frozen=True, slots=True)
class RightNow:
    """The panel of the customer's page: bars by kind with their names, and the minute of the customer's newest event."""

    groups: Sequence[tuple[str | Promise, Sequence[InterestBar]]] = ()
    names: Names = field(default_factory=Names)
    last_minute: datetime | None = None
    problem: str = ""


def interests_get(customer_id: str) -> list[Interest]:
    """The interests of the last minutes, the strongest first. Raises InterestsUnavailable without Redis."""
    settings = current()
    try:
        return read_interests(_open_client(settings.redis_url), customer_id, timezone.now(), settings.interest_minutes)
    except redis.RedisError as error:
        raise InterestsUnavailable(first_line(error)) from error


def right_now_get(customer_id: str) -> RightNow:
    """Without Redis the panel names the problem, and the rest of the page works."""
    try:
        interests = interests_get(customer_id)
    except InterestsUnavailable as error:
        return RightNow(problem=error.says)
    shown = {kind: [each for each in interests if each.kind == kind][:SHOWN] for kind in KINDS}
    names = names_get(products=[each.key for each in shown["product"]], categories=[each.key for each in shown["category"]])
    groups = [(_TITLES[kind], _make_bars(some)) for kind, some in shown.items() if some]
    return RightNow(groups, names, max((each.last_minute for each in interests), default=None))


def _make_bars(interests: Sequence[Interest]) -> list[InterestBar]:
    strongest = interests[0].score
    return [InterestBar(each, each.score / strongest) for each in interests]


@cache
def _open_client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, decode_responses=True, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=Retry(NoBackoff(), 0)
    )
